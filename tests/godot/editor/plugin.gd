@tool
extends EditorPlugin
## Opens the help pages of Whimbrel's classes and names each public member that has no description on them.
##
## It prints `ok` or `not ok` for each class and ends the editor with the number of members found, at most 100.


func _ready() -> void:
	_check.call_deferred()


func _check() -> void:
	# The engine merges an extension's documentation in a deferred call of a thread that loads its own.
	for frame in 5:
		await get_tree().process_frame
	var missing := 0
	# A tool's script may use the classes as a game does.
	var response: WhimbrelHTTPResponse = await WhimbrelHTTP.new().request("").completed
	if response.error != ERR_INVALID_PARAMETER:
		print("not ok a request in the editor: %s" % response)
		missing += 1
	var classes := Array(ClassDB.get_class_list()).filter(func(name: String) -> bool: return name.begins_with("Whimbrel"))
	for name: String in classes:
		EditorInterface.get_script_editor().goto_help("class_name:" + name)
		for frame in 3:
			await get_tree().process_frame
		var text := _page(name)
		# A class that is hidden from scripts has an empty page.
		if text.is_empty():
			continue
		var found := _without_description(text)
		missing += found.size()
		if found.is_empty():
			print("ok the help page of %s says something of every member" % name)
		else:
			print("not ok the help page of %s: %s" % [name, ", ".join(found)])
	get_tree().quit(mini(missing, 100) if not classes.is_empty() else 101)


func _page(name: String) -> String:
	for page in EditorInterface.get_script_editor().find_children("*", "EditorHelp", true, false):
		if page.name == name:
			var label: RichTextLabel = page.find_children("*", "RichTextLabel", true, false)[0]
			return label.get_parsed_text()
	return "There is currently no description for this page."


func _without_description(text: String) -> PackedStringArray:
	var found: PackedStringArray = []
	var constant := RegEx.create_from_string("^\\s*● [A-Z0-9_]+ = -?[0-9]+$")
	var before := ""
	for line in text.split("\n"):
		if line.strip_edges().is_empty():
			# An enum's last constant ends with its list.
			if constant.search(before):
				found.append(before.strip_edges())
				before = ""
			continue
		if "There is currently no description" in line:
			found.append(before.strip_edges())
		elif constant.search(before) and ("●" in line or line.strip_edges().begins_with("enum ")):
			found.append(before.strip_edges())
		before = line
	return found
