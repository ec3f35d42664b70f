extends SceneTree
## What the scripts about whole requests stand on: checks that say `ok` or `not ok`, and their number for `quit`.

var failed := 0
var base := ""


func check(title: String, condition: bool, why: Variant = "") -> void:
	if condition:
		print("ok ", title)
	else:
		failed += 1
		print("not ok ", title, ": ", why)


func equal(title: String, got: Variant, wanted: Variant) -> void:
	check(title, typeof(got) == typeof(wanted) and got == wanted, "%s, not %s" % [got, wanted])
