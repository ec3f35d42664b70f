# Runs one row: the subjects that its script names, one after the other, each round in a new order.
#
#     godot --headless --path . --script res://run.gd -- SCRIPT ROW ROUNDS DIVISOR
#
# It prints a line for each figure, tab separated: "=", subject, figure, value. Ports and the authority's certificate come
# from the environment.
extends SceneTree


func _initialize() -> void:
	var words := OS.get_cmdline_user_args()
	var row: Object = load("res://%s.gd" % words[0]).new()
	row.tree = self
	row.divisor = int(words[3])
	# Nodes can be added from the first frame on.
	await process_frame
	var subjects: Dictionary = row.subjects(words[1])
	for turn in int(words[2]):
		var names := subjects.keys()
		names.shuffle()
		for subject: String in names:
			var figures: Dictionary = await subjects[subject].call()
			if figures.has("failed"):
				print("!\t%s: %s" % [subject, figures.failed])
				quit(1)
				return
			tell(subject, figures)
	var last: Dictionary = row.last()
	for subject: String in last:
		tell(subject, last[subject])
	quit()


func tell(subject: String, figures: Dictionary) -> void:
	for figure: String in figures:
		print("=\t%s\t%s\t%s" % [subject, figure, figures[figure]])
