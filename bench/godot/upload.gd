# One upload in a process of its own: how long the call blocks, and what the process holds at most.
extends "res://polled.gd"


func subjects(row: String) -> Dictionary:
	return {row: upload.bind(row)}


func upload(class_title: String) -> Dictionary:
	var size := (256 << 20) / divisor
	var client: Object = connected(class_title, number("BENCH_PLAIN"), null)
	if client == null:
		return {failed = "it does not connect"}
	var engine := resident("VmRSS:")
	var body := PackedByteArray()
	body.resize(size)
	body.fill(7)
	var began := Time.get_ticks_usec()
	var error: int = client.request_raw(HTTPClient.METHOD_PUT, "/up/" + class_title, PackedStringArray(), body)
	var called := Time.get_ticks_usec()
	if error != OK:
		return {failed = "request_raw: " + error_string(error)}
	while client.get_status() == HTTPClient.STATUS_REQUESTING:
		client.poll()
	var ended := Time.get_ticks_usec()
	if not client.get_response_code() in [201, 204]:
		return {failed = "status %s" % client.get_response_code()}
	if body.size() != size:
		return {failed = "the body was changed"}
	return {
		"MB/s": size / ((ended - began) / 1e6) / 1e6,
		"call ms": (called - began) / 1000.0,
		"peak/body": float(resident("VmHWM:") - engine) / size,
		"peak MiB": float(resident("VmHWM:")) / MIB,
		"engine MiB": float(engine) / MIB,
	}


# What this process has resident now, or had at most, in bytes.
func resident(line_of: String) -> int:
	var status := FileAccess.open("/proc/self/status", FileAccess.READ)
	while not status.eof_reached():
		var line := status.get_line()
		if line.begins_with(line_of):
			return int(line.get_slice(":", 1)) * 1024
	return 0
