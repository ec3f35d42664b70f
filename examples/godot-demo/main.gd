## The same two tasks side by side: left with the classes that Godot has, right with Whimbrel's. See README.md.
##
## After `--` on the command line: `--server http://127.0.0.1:8080`, `--megabytes 256`, and `--picture FILE`, which
## cuts the streams once, stores a picture of the window after 4 seconds and quits.
extends Control

const Half := preload("res://side.gd")
const NATIVE_DOWNLOAD := "res://native_download.gd"
const WHIMBREL_DOWNLOAD := "res://whimbrel_download.gd"

var server := "http://127.0.0.1:8080"
var megabytes := 256
var picture := ""


func _ready() -> void:
	_read_arguments()
	if not ClassDB.class_exists(&"WhimbrelHTTP"):
		_say("The addon is not here: copy or link dist/godot/addons into this folder, and open the project in the editor once.")
		return
	var sides := HBoxContainer.new()
	sides.add_theme_constant_override("separation", 28)
	sides.set_anchors_and_offsets_preset(Control.PRESET_FULL_RECT, Control.PRESET_MODE_MINSIZE, 28)
	var native := _side("Godot", "HTTPRequest and HTTPClient", Look.GODOT, NATIVE_DOWNLOAD, HTTPClient.new())
	# By name, so that this script can say what is missing where the addon is.
	var polled: RefCounted = ClassDB.instantiate(&"WhimbrelHTTPClient")
	var ours := _side("Whimbrel", "WhimbrelHTTP and WhimbrelHTTPClient", Look.WHIMBREL, WHIMBREL_DOWNLOAD, polled)
	sides.add_child(native)
	sides.add_child(ours)
	add_child(sides)
	_add_frames()
	for side in [native, ours]:
		side.download("%s/bytes/%d" % [server, megabytes * 1_000_000])
	if picture != "":
		await get_tree().create_timer(3.2).timeout
		for side in [native, ours]:
			side.events.cut()
		await get_tree().create_timer(0.8).timeout
		await RenderingServer.frame_post_draw
		get_viewport().get_texture().get_image().save_png(picture)
		get_tree().quit()


func _side(title: String, classes: String, color: Color, download: String, polled: RefCounted) -> Half:
	var side := Half.new()
	side.title = title
	side.classes = classes
	side.color = color
	side.make_download = func() -> RefCounted: return load(download).new()
	var at := server.trim_prefix("http://").split(":")
	var port := int(at[1]) if at.size() > 1 else 80
	side.events = EventReader.new(polled, at[0], port, "/sse?count=1000000&interval=0.13")
	return side


## How many frames there are a second: what a polled client can do depends on it.
func _add_frames() -> void:
	var frames := Look.label("", 14, Look.FAINT)
	frames.set_anchors_and_offsets_preset(Control.PRESET_TOP_RIGHT, Control.PRESET_MODE_MINSIZE, 28)
	frames.grow_horizontal = Control.GROW_DIRECTION_BEGIN
	add_child(frames)
	get_tree().process_frame.connect(func() -> void: frames.text = "%d frames a second" % Engine.get_frames_per_second())


func _read_arguments() -> void:
	var arguments := OS.get_cmdline_user_args()
	for index in range(0, arguments.size() - 1, 2):
		match arguments[index]:
			"--server":
				server = arguments[index + 1]
			"--megabytes":
				megabytes = int(arguments[index + 1])
			"--picture":
				picture = arguments[index + 1]


func _say(text: String) -> void:
	var label := Look.label(text, 18)
	label.set_anchors_and_offsets_preset(Control.PRESET_CENTER)
	add_child(label)
	push_error(text)
