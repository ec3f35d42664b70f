## How late each of the last events was, in milliseconds, as bars; the line is one frame of 60 in a second.
extends Control

const SHOWN := 60
const FRAME := 1000.0 / 60.0

var color := Color.WHITE
var delays: PackedFloat32Array = []


func add(delay: float) -> void:
	delays.append(delay)
	if delays.size() > SHOWN:
		delays.remove_at(0)
	queue_redraw()


func _draw() -> void:
	var top := FRAME * 2.0
	var width := size.x / SHOWN
	for index in delays.size():
		var height := clampf(delays[index] / top, 0.02, 1.0) * size.y
		draw_rect(Rect2(index * width, size.y - height, width - 2.0, height), color)
	var y := size.y * (1.0 - FRAME / top)
	draw_dashed_line(Vector2(0, y), Vector2(size.x, y), Look.FAINT, 1.0, 4.0)
