-- `http.all`: many requests of a blocking script at once. Results stand where their requests stood; one that failed is
-- `{ error = sentence }`.
local http, new_lane = ...
local type, error, format, tostring, pairs, pcall, upper = type, error, string.format, tostring, pairs, pcall, string.upper

local WIDTH = 16
local SUSPENDED = "Operation was cancelled: network is suspended, and nothing can resume it meanwhile"
local NONE, PROGRESS, END, LOST = 0, 2, 4, 5

-- The URL, method and options of one entry.
local function read(entry, index)
  if type(entry) == "string" then return entry, "GET" end
  if type(entry) ~= "table" then
    error(format("bad entry #%d of the list for 'all' (a URL or a table with a url expected, got %s)", index,
      type(entry)), 3)
  end
  local url, options = entry.url or entry[1], {}
  if type(url) ~= "string" then
    error(format("bad entry #%d of the list for 'all' (its url must be a string, got %s)", index, type(url)), 3)
  end
  for name, value in pairs(entry) do
    if name ~= "url" and name ~= 1 then options[name] = value end
  end
  local method = type(options.method) == "string" and options.method or "GET"
  return url, method, options
end

local function progress_of(sent, send_total, received, receive_total)
  local sending = received == 0 and send_total > sent
  return {
    phase = sending and "sending" or "receiving", sent = sent, send_total = send_total >= 0 and send_total or nil,
    received = received, total = receive_total >= 0 and receive_total or nil,
  }
end

function http.all(list, options)
  if type(list) ~= "table" then
    error("bad argument #1 to 'all' (a list of URLs, or of tables with a url, expected, got " .. type(list) .. ")", 2)
  elseif options ~= nil and type(options) ~= "table" then
    error("bad argument #2 to 'all' (a table of options expected, got " .. type(options) .. ")", 2)
  end
  local width = options and options.concurrency or WIDTH
  if type(width) ~= "number" or not (width >= 1) then
    error("bad argument #2 to 'all' (concurrency must be a number of at least 1)", 2)
  end
  local length = #list
  local asked = {}
  for index = 1, length do
    local url, method, given = read(list[index], index)
    asked[index] = { url = url, method = method, options = given }
  end
  local lane = new_lane()
  local results, running, under_way, following = {}, {}, 0, 1
  while following <= length or under_way > 0 do
    while under_way < width and following <= length do
      local one = asked[following]
      local id, number, _, limit = lane.start(one.url, one.method, one.options)
      if id then
        one.place, one.limit = following, limit
        running[number] = one
        under_way = under_way + 1
      else
        results[following] = { error = number }
      end
      following = following + 1
    end
    if under_way > 0 then
      -- Short enough for a host's interrupt to be noticed soon.
      if not lane.wait(0.25) and lane.is_suspended() then
        -- Nobody but the caller can end that, and the caller waits here.
        lane.cancel_all()
        for index = 1, length do
          if not results[index] then results[index] = { error = SUSPENDED } end
        end
        return results
      end
      local kind, number, sent, send_total, _, _, received, receive_total = lane.next()
      while kind and kind ~= NONE do
        local one = running[number]
        if one and kind == PROGRESS and one.options and one.options.on_progress then
          local good, answer = pcall(one.options.on_progress, progress_of(sent, send_total, received, receive_total))
          if not good then
            lane.cancel_all()
            error(answer, 0)
          elseif answer == false then
            lane.cancel(number)
            results[one.place] = { error = "Operation was cancelled: on_progress returned false" }
            running[number], under_way = nil, under_way - 1
          end
        elseif one and (kind == END or kind == LOST) then
          local response, problem
          if kind == END then
            response, problem = lane.fetched(number, one.limit, one.options and one.options.output)
          else
            lane.cancel(number)
            problem = tostring(sent)
          end
          results[one.place] = response or { error = problem }
          running[number], under_way = nil, under_way - 1
        end
        kind, number, sent, send_total, _, _, received, receive_total = lane.next()
      end
    end
  end
  return results
end
