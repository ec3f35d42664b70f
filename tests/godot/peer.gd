# The other side of one connection, in the script itself: it says literal bytes exactly when the script says so, over
# TLS too.
extends RefCounted

const PATIENCE := 20000

var port := 0
# Of the connection that was accepted last.
var tcp: StreamPeerTCP
var tls: StreamPeerTLS
var received := PackedByteArray()
var listener := TCPServer.new()


func _init(address := "127.0.0.1") -> void:
	var error := listener.listen(0, address)
	assert(error == OK)
	port = listener.get_local_port()


# Accepts a connection that has been asked for.
func accept() -> bool:
	var start := Time.get_ticks_msec()
	while not listener.is_connection_available():
		if Time.get_ticks_msec() - start > PATIENCE:
			return false
		OS.delay_usec(100)
	tcp = listener.take_connection()
	tcp.set_no_delay(true)
	tls = null
	received.clear()
	return true


# Accepts with a handshake, in which `client` is polled too.
func accept_tls(client: Object, options: TLSOptions) -> bool:
	# Nothing comes before the client is polled.
	var start := Time.get_ticks_msec()
	while not listener.is_connection_available() and Time.get_ticks_msec() - start < PATIENCE:
		client.poll()
		OS.delay_usec(100)
	if not accept():
		return false
	tls = StreamPeerTLS.new()
	tls.accept_stream(tcp, options)
	while tls.get_status() == StreamPeerTLS.STATUS_HANDSHAKING and Time.get_ticks_msec() - start < PATIENCE:
		tls.poll()
		client.poll()
		OS.delay_usec(100)
	# The engine calls a server connected before its handshake is over.
	while client.get_status() == WhimbrelHTTPClient.STATUS_CONNECTING and Time.get_ticks_msec() - start < PATIENCE:
		tls.poll()
		client.poll()
		OS.delay_usec(100)
	return tls.get_status() == StreamPeerTLS.STATUS_CONNECTED


func stream() -> StreamPeer:
	return tls if tls else tcp


# Takes what has come. Gives false when the client has closed.
func receive() -> bool:
	if tls:
		tls.poll()
	else:
		tcp.poll()
	var is_open := tcp.get_status() == StreamPeerTCP.STATUS_CONNECTED
	if tls:
		is_open = tls.get_status() == StreamPeerTLS.STATUS_CONNECTED
	if is_open:
		var there := stream().get_available_bytes()
		if there > 0:
			received.append_array(stream().get_partial_data(there)[1])
	return is_open


# Where the empty line of a head begins, or -1.
func head_end() -> int:
	var at := received.find(13)
	while at >= 0 and at + 3 < received.size():
		if received[at + 1] == 10 and received[at + 2] == 13 and received[at + 3] == 10:
			return at
		at = received.find(13, at + 1)
	return -1


func received_text() -> String:
	return received.get_string_from_utf8()


# Polls `client` until a whole request has come, with `more` bytes of a body, and takes it out of what was received.
func request(client: Object, more := 0) -> String:
	var start := Time.get_ticks_msec()
	while Time.get_ticks_msec() - start < PATIENCE:
		var end := head_end()
		if end >= 0 and received.size() >= end + 4 + more:
			var whole := received.slice(0, end + 4 + more).get_string_from_utf8()
			received = received.slice(end + 4 + more)
			return whole
		if client:
			client.poll()
		receive()
		OS.delay_usec(50)
	return ""


func send(bytes: Variant) -> void:
	stream().put_data(bytes if bytes is PackedByteArray else (bytes as String).to_utf8_buffer())


# Closes in good order: over TLS behind a close_notify.
func close() -> void:
	if tls:
		tls.disconnect_from_stream()
	if tcp:
		tcp.disconnect_from_host()


# Closes without a word of TLS.
func cut() -> void:
	tcp.disconnect_from_host()
