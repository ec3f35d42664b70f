-- Delivers what the engine has to say to the listeners, in order for each request, on the thread that asks. An error of
-- a listener is told to the host and stops nothing.
local ours = ...
local lane, clock, complain = ours.lane, ours.clock, ours.complain
local next_event, ended, fetched, wait_for = lane.next, lane.ended, lane.fetched, lane.wait
local type, tostring, pcall, xpcall, getmetatable, rawget, next =
  type, tostring, pcall, xpcall, getmetatable, rawget, next
local traceback = type(debug) == "table" and debug.traceback or function(text) return text end

-- What `next_event` gives.
local NONE, HEAD, PROGRESS, CHUNK, END, LOST = 0, 1, 2, 3, 4, 5

-- Said when there is no memory for anything else.
local NO_MEMORY = "Unknown error: not enough memory"

-- The requests that have not ended, by number, and how many there are.
local requests, count = {}, 0
-- Uploads whose `began` is still to be told.
local waiting, first, last = {}, 1, 0
-- Requests whose last progress is being told, and whose end is known.
local late, late_count = {}, 0
local suspended = false
-- Counts the calls of `dispatch` that had something to deliver.
local turn = 0

-- What was raised, as text, whatever its `__tostring` does.
local function text_of(reason)
  local kind = type(reason)
  if kind == "string" or kind == "number" then return tostring(reason) end
  local meta = getmetatable(reason)
  if type(meta) == "table" and rawget(meta, "__tostring") then
    local good, text = pcall(tostring, reason)
    if good and type(text) == "string" then return text end
  end
  return "(error object is a " .. kind .. " value)"
end
ours.text_of = text_of

local function explain(reason)
  return traceback(text_of(reason), 2)
end

-- Tells the host of an error in a script's function.
local function report(message)
  local hook = ours.network.onError
  if type(hook) == "function" then
    local good, problem = pcall(hook, message)
    if good then return end
    complain("ERROR: network.onError: " .. text_of(problem))
  end
  complain("ERROR: " .. text_of(message))
end
ours.report = report

-- `xpcall` of Lua 5.1 passes no arguments on.
local callee, argument
local function call_function()
  local listener, event = callee, argument
  callee, argument = nil, nil
  return listener(event)
end
local function call_table()
  local listener, event = callee, argument
  callee, argument = nil, nil
  local method = listener.networkRequest
  if method then return method(listener, event) end
end

local function tell(listener, event)
  if listener == nil then return end
  callee, argument = listener, event
  local good, problem = xpcall(type(listener) == "function" and call_function or call_table, explain)
  if not good then report(problem) end
end

-- Calls a function of `params`; true if it answered `false`.
local function refuses(callback, value)
  callee, argument = callback, value
  local good, answer = xpcall(call_function, explain)
  if not good then report(answer) end
  return good and answer == false
end

local function cancel(number)
  if requests[number] then
    requests[number] = nil
    count = count - 1
    lane.cancel(number)
  end
end

-- A function of `params` answered `false`: that is the end, of which `fetch` still has to hear.
local function give_up(record, number, name)
  cancel(number)
  if record.finish then
    record.problem = "Operation was cancelled: " .. name .. " returned false"
    record.finish(record)
  end
end

function ours.enter(number, record, size)
  requests[number] = record
  count = count + 1
  if record.progress == "upload" then
    record.size = size
    if size then
      last = last + 1
      waiting[last] = record
      record.number = number
    end
  end
end

local function progress_of(record, moved, total)
  record.moved = moved
  return {
    name = "networkRequest", phase = "progress", isError = false, status = record.status or -1, url = record.url,
    requestId = record.id, responseHeaders = record.headers, bytesTransferred = moved, bytesEstimated = total,
  }
end

local function on_began()
  while first <= last and not suspended do
    local record = waiting[first]
    waiting[first] = nil
    first = first + 1
    if requests[record.number] == record then
      tell(record.listener, {
        name = "networkRequest", phase = "began", isError = false, status = -1, url = record.url,
        requestId = record.id, bytesTransferred = 0, bytesEstimated = record.size,
      })
    end
  end
end

local function on_head(record, status, headers, total)
  record.status, record.headers = status, headers
  if record.progress == "download" then
    tell(record.listener, {
      name = "networkRequest", phase = "began", isError = false, status = status, url = record.url,
      requestId = record.id, responseHeaders = headers, bytesTransferred = 0, bytesEstimated = total,
    })
  end
end

local function on_progress(record, number, sent, send_total, moved, total, received, receive_total)
  local callback = record.on_progress
  if callback then
    local sending = received == 0 and send_total > sent
    local refused = refuses(callback, {
      phase = sending and "sending" or "receiving", sent = sent, send_total = send_total >= 0 and send_total or nil,
      received = received, total = receive_total >= 0 and receive_total or nil,
    })
    if requests[number] ~= record then return end
    if refused then return give_up(record, number, "onProgress") end
  end
  local direction = record.progress
  if direction == "upload" then
    moved, total = sent, record.size or send_total
    if total < 0 then total = send_total end
  elseif not direction then
    return
  end
  -- At most one each time; nothing new is no progress.
  if record.told == turn or moved <= (record.moved or 0) then return end
  record.told = turn
  tell(record.listener, progress_of(record, moved, total))
end

local function on_chunk(record, number, bytes)
  if refuses(record.on_chunk, bytes) and requests[number] == record then give_up(record, number, "onChunk") end
end

local function leave(record, number)
  if requests[number] ~= record then return false end
  requests[number] = nil
  count = count - 1
  return true
end

local function on_fetched(record, number)
  -- Before anything that makes a finalizer run, which may dispatch.
  leave(record, number)
  -- A body that does not fit into memory ends the request as any failure does.
  local good, response, problem = pcall(fetched, number, record.limit, record.output)
  if not good then response, problem = nil, tostring(response) end
  record.response, record.problem = response, problem
  record.finish(record)
end

-- Tells the end of a request whose last progress is being told: after that, or before where the listener waits for it.
local function tell_last(record)
  local event, number = record.last, record.number
  if not event then return end
  record.last = nil
  for place = late_count, 1, -1 do
    if late[place] == record then
      late[place], late[late_count] = late[late_count], nil
      late_count = late_count - 1
      break
    end
  end
  if leave(record, number) then tell(record.listener, event) end
end

local function on_end(record, number)
  if record.finish then return on_fetched(record, number) end
  -- Its end has been taken: whoever dispatches meanwhile, as a finalizer may, must not take it for lost. Nor must it be
  -- waited for should memory run out from here on.
  leave(record, number)
  local upload = record.progress == "upload"
  local status, response, kind, headers, moved, total, timings, protocol, url, charset, source =
    ended(number, upload, record.debug)
  if not kind then response, kind, moved, total = NO_MEMORY, "text", record.moved or 0, -1 end
  headers = headers and record.headers or headers
  local failed = status == -1
  if upload and record.size then
    if record.size >= 0 then total = record.size end
    -- A redirect made it a request without a body; that was sent before.
    if url and not failed and moved == 0 then moved = record.size > 0 and record.size or record.moved or 0 end
  end
  local debugged
  if record.debug then
    debugged = { isDebug = "true", charset = charset, charsetSource = source, errorMessage = failed and response or nil }
  end
  if kind == "file" then
    local file = record.file
    response, kind = { filename = file.filename, baseDirectory = file.baseDirectory, fullPath = response }, "binary"
  end
  local event = {
    name = "networkRequest", phase = "ended", isError = failed, status = status, url = record.url,
    requestId = record.id, responseHeaders = headers, responseType = kind, response = response,
    bytesTransferred = moved, bytesEstimated = total, timings = timings, protocol = protocol, redirectedUrl = url,
    debug = debugged,
  }
  if not record.progress or failed or record.moved or moved <= 0 then return tell(record.listener, event) end
  -- It was over before there was a time to tell.
  record.status, record.headers = status, headers
  local progress = progress_of(record, moved, total)
  record.last, record.number = event, number
  late[late_count + 1] = record
  late_count = late_count + 1
  requests[number], count = record, count + 1
  tell(record.listener, progress)
  if not suspended then tell_last(record) end
end

-- Something of the request could not be handed over: memory is out. The rest of it would be full of holes.
local function on_lost(record, number, problem)
  lane.cancel(number)
  if not leave(record, number) then return end
  if record.finish then
    record.problem = problem
    return record.finish(record)
  end
  tell(record.listener, {
    name = "networkRequest", phase = "ended", isError = true, status = -1, url = record.url, requestId = record.id,
    responseType = "text", response = "Unknown error: " .. tostring(problem), bytesTransferred = record.moved or 0,
    bytesEstimated = -1,
  })
end

-- Memory ran out while an end was being told: nothing else will end these requests.
local function end_the_lost()
  local lost, record = next(requests)
  while lost and record.last do lost, record = next(requests, lost) end
  if lost then on_lost(record, lost, "not enough memory") end
end

local function deliver(kind, number, a, b, c, d, e, f)
  local record = requests[number]
  if not record then
    if kind == END then lane.forget(number) end
  elseif kind == PROGRESS then
    on_progress(record, number, a, b, c, d, e, f)
  elseif kind == END then
    on_end(record, number)
  elseif kind == HEAD then
    on_head(record, a, b, c)
  elseif kind == CHUNK then
    on_chunk(record, number, a)
  elseif kind == LOST then
    on_lost(record, number, a)
  end
end

-- Delivers what is ready, for `budget` milliseconds at most once something was delivered; returns how many requests have
-- not ended.
local function dispatch(budget)
  if suspended then return count end
  while late_count > 0 and not suspended do tell_last(late[late_count]) end
  if first <= last then on_began() end
  local kind, number, a, b, c, d, e, f = next_event()
  if not kind then return count end
  if kind == NONE then
    if count > late_count then end_the_lost() end
    return count
  end
  turn = turn + 1
  local deadline = budget and clock() + budget / 1000
  -- However fast events come, `next_event` pauses after those that were there when it was asked.
  repeat
    deliver(kind, number, a, b, c, d, e, f)
    if suspended or deadline and clock() >= deadline then break end
    if first <= last then on_began() end
    kind, number, a, b, c, d, e, f = next_event()
  until not kind or kind == NONE
  return count
end
ours.dispatch = dispatch

-- Dispatches until `done(what)` or until the time is over; true if it is done.
function ours.pump(done, what, seconds)
  local deadline = seconds and clock() + seconds
  while true do
    dispatch(deadline and (deadline - clock()) * 1000)
    if done(what) then return true end
    local left = deadline and deadline - clock()
    if left and not (left > 0) then return false end
    if suspended and not left then return false end
    -- Short enough for a host's interrupt to be noticed soon.
    if not left or left > 0.25 then left = 0.25 end
    if suspended or count == 0 then ours.sleep(left) else wait_for(left) end
  end
end

-- For hosts with a loop of their own: sleeps until there is something to deliver, for so many seconds at most.
function ours.network.idle(seconds)
  if suspended or count == 0 then ours.sleep(seconds) elseif first > last then wait_for(seconds) end
end

function ours.count() return count end
function ours.is_under_way(number) return requests[number] ~= nil end
function ours.record_of(number) return requests[number] end
ours.cancel = cancel

function ours.cancel_all()
  for number, record in next, requests do
    requests[number] = nil
    -- Who waits for it in `fetch` must not wait for ever; a coroutine stays where it is.
    if record.finish and not record.thread then
      record.problem, record.done = "Operation was cancelled: the application ends", true
    end
  end
  count = 0
  lane.cancel_all()
end

function ours.set_suspended(value)
  suspended = value
end
