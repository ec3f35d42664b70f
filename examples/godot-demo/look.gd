## Colours, cards and labels. Nothing here knows what they show.
class_name Look

const GROUND := Color("#12151a")
const CARD := Color("#1b2027")
const LINE := Color("#2b323c")
const TEXT := Color("#e8ecf1")
const FAINT := Color("#8b96a5")
const GODOT := Color("#6ea8e0")
const WHIMBREL := Color("#8eef97")
const WARNING := Color("#f0b35b")


static func box(color: Color, radius := 10, padding := 18) -> StyleBoxFlat:
	var style := StyleBoxFlat.new()
	style.bg_color = color
	style.set_corner_radius_all(radius)
	style.set_content_margin_all(padding)
	return style


static func card() -> VBoxContainer:
	var panel := PanelContainer.new()
	var style := box(CARD)
	style.border_color = LINE
	style.set_border_width_all(1)
	panel.add_theme_stylebox_override("panel", style)
	var content := VBoxContainer.new()
	content.add_theme_constant_override("separation", 8)
	panel.add_child(content)
	return content


static func label(text: String, size: int, color := TEXT) -> Label:
	var made := Label.new()
	made.text = text
	made.add_theme_font_size_override("font_size", size)
	made.add_theme_color_override("font_color", color)
	return made


static func row(left: Control, right: Control) -> HBoxContainer:
	var made := HBoxContainer.new()
	left.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	made.add_child(left)
	made.add_child(right)
	return made


static func bar(color: Color) -> ProgressBar:
	var made := ProgressBar.new()
	made.custom_minimum_size.y = 14
	made.show_percentage = false
	made.max_value = 1.0
	made.step = 0.0
	made.add_theme_stylebox_override("background", box(LINE, 7, 0))
	made.add_theme_stylebox_override("fill", box(color, 7, 0))
	return made


static func button(text: String) -> Button:
	var made := Button.new()
	made.text = text
	made.focus_mode = Control.FOCUS_NONE
	made.add_theme_font_size_override("font_size", 14)
	for state in ["normal", "hover", "pressed"]:
		var style := box(LINE.lightened(0.08 if state == "hover" else 0.0), 6, 6)
		style.content_margin_left = 14
		style.content_margin_right = 14
		made.add_theme_stylebox_override(state, style)
	return made


static func bytes(count: float) -> String:
	return "%.1f MB" % (count / 1e6) if count < 1e9 else "%.2f GB" % (count / 1e9)
