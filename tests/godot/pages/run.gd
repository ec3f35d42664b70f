# Runs the examples of a page one after the other, in the tree. The test has cut them out, into res://examples.
extends SceneTree


func _initialize() -> void:
	# Examples fail on purpose, too.
	print("errors at most: 2")
	await process_frame
	for index in int(OS.get_environment("WHIMBREL_EXAMPLES")):
		var made: Object = load("res://examples/%d.gd" % index).new()
		if made is Node:
			root.add_child(made)
			await over(made)
			made.free()
		print("ok example ", index)
	quit()


# The end of an example: of its statements, its frames, its stream, its requests.
func over(node: Node) -> void:
	if node.has_method("run"):
		await node.run()
	if "reader" in node:
		while node.reader._last_id != "4":
			await process_frame
		return
	while node.is_processing():
		await process_frame
	for child in node.get_children():
		if child is HTTPRequest:
			await child.request_completed
	while WhimbrelHTTP.get_shared().get_request_count() > 0:
		await process_frame
	await process_frame
