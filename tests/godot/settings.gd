# The project's own settings hold: its certificate bundle, and its time limit for connecting.
extends "res://check.gd"


func run() -> void:
	same(ProjectSettings.get_setting("network/tls/certificate_bundle_override"), OS.get_environment("WHIMBREL_CERT"),
			"the project's settings")
	var client := WhimbrelHTTPClient.new()
	same(connect_client(client, argument(1), TLSOptions.client()), WhimbrelHTTPClient.STATUS_CONNECTED,
			"the project's certificate bundle is trusted")
	same(connect_client(client, argument(1), null, "https://localhost"), WhimbrelHTTPClient.STATUS_CONNECTED,
			"  with https:// alone, too")
	fetch(client, "/get")
	same(client.get_response_code(), 200, "  and the server answers")
	same(connect_client(client, argument(1), TLSOptions.client(certificate("WHIMBREL_OTHER_CERT"))),
			WhimbrelHTTPClient.STATUS_TLS_HANDSHAKE_ERROR, "a chain of the caller's own stands above it")
	var start := Time.get_ticks_msec()
	same(connect_client(client, number("WHIMBREL_SILENT_PORT")), WhimbrelHTTPClient.STATUS_CANT_CONNECT,
			"the project's time limit for connecting ends it")
	ok(Time.get_ticks_msec() - start > 900, "  not before its second is over", Time.get_ticks_msec() - start)
