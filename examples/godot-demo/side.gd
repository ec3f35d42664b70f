## One half of the window: a download, and a stream of events. Both halves run this; they differ by the classes they are given.
extends VBoxContainer

const SHOWN_EVENTS := 8
const FILE := "user://%s.bin"

var color: Color
var title: String
var classes: String
## Makes what downloads: start(parent, url, file), ended, get_received(), get_total(), cancel().
var make_download: Callable
var events: EventReader

var _download: RefCounted
var _url := ""
var _begun := 0
var _events_seen := 0

var _rate := Look.label("", 34)
var _bar: ProgressBar
var _amount := Look.label(" ", 14, Look.FAINT)
var _button := Look.button("Download")
var _state := Look.label("connecting", 14, Look.FAINT)
var _delays := preload("res://delays.gd").new()
var _list := VBoxContainer.new()


func _ready() -> void:
	size_flags_horizontal = Control.SIZE_EXPAND_FILL
	add_theme_constant_override("separation", 14)
	_add_title()
	_add_download()
	_add_events()
	events.received.connect(_on_event)
	events.opened.connect(func() -> void: _note("connected", color))
	events.lost.connect(func(why: String) -> void: _note("%s; coming back" % why, Look.WARNING))


## Begins to download, into a file of this side's own.
func download(url: String) -> void:
	_url = url
	_begun = Time.get_ticks_usec()
	_button.text = "Cancel"
	_download = make_download.call()
	_download.ended.connect(_on_ended, CONNECT_ONE_SHOT)
	_download.start(self, url, FILE % title.to_lower())


func _process(_delta: float) -> void:
	events.step()
	if _download:
		_show_progress()


func _exit_tree() -> void:
	if _download:
		_download.cancel()
	DirAccess.remove_absolute(FILE % title.to_lower())


func _show_progress() -> void:
	var received: int = _download.get_received()
	var total: int = _download.get_total()
	var seconds := (Time.get_ticks_usec() - _begun) / 1e6
	_bar.value = float(received) / total if total > 0 else 0.0
	_rate.text = "%s/s" % Look.bytes(received / maxf(seconds, 0.001))
	_amount.text = "%s of %s in %.1f s" % [Look.bytes(received), Look.bytes(total) if total > 0 else "?", seconds]


func _on_ended(why: String) -> void:
	_show_progress()
	_download = null
	_button.text = "Again"
	if why != "":
		_amount.text = why
		_amount.add_theme_color_override("font_color", Look.WARNING)
	else:
		_amount.text += ", done"
		_amount.add_theme_color_override("font_color", color)


func _on_event(type: String, data: String, id: String) -> void:
	_events_seen += 1
	var told: Variant = JSON.parse_string(data)
	var delay: float = Time.get_unix_time_from_system() * 1000.0 - told.timestamp
	_delays.add(delay)
	_state.text = "connected, %d events" % _events_seen
	var time := Time.get_time_string_from_system()
	_note("%s   %s %s   %.0f ms after it was sent" % [time, type, id, delay], Look.TEXT)


func _note(text: String, in_color: Color) -> void:
	_list.add_child(Look.label(text, 14, in_color))
	if _list.get_child_count() > SHOWN_EVENTS:
		_list.get_child(0).free()


func _add_title() -> void:
	var box := VBoxContainer.new()
	box.add_theme_constant_override("separation", 0)
	box.add_child(Look.label(title, 26, color))
	box.add_child(Look.label(classes, 15, Look.FAINT))
	add_child(box)


func _add_download() -> void:
	var card := Look.card()
	_bar = Look.bar(color)
	_button.pressed.connect(func() -> void:
		if _download:
			_download.cancel()
		elif _url != "":
			_amount.add_theme_color_override("font_color", Look.FAINT)
			download(_url))
	card.add_child(Look.row(Look.label("Download to a file", 17), _button))
	card.add_child(_rate)
	card.add_child(_bar)
	card.add_child(_amount)
	add_child(card.get_parent())


func _add_events() -> void:
	var card := Look.card()
	var cut := Look.button("Cut the connection")
	cut.pressed.connect(events.cut)
	card.add_child(Look.row(Look.label("Live events", 17), cut))
	card.add_child(_state)
	_delays.color = color
	_delays.custom_minimum_size.y = 64
	card.add_child(_delays)
	card.add_child(Look.label("delay of each event; the line is one frame at 60 a second", 12, Look.FAINT))
	_list.custom_minimum_size.y = SHOWN_EVENTS * 26
	_list.size_flags_vertical = Control.SIZE_EXPAND_FILL
	card.add_child(_list)
	card.get_parent().size_flags_vertical = Control.SIZE_EXPAND_FILL
	add_child(card.get_parent())
