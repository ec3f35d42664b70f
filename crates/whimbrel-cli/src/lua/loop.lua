-- The life of a script: its main chunk as a coroutine, then timers, frames and transfers until nothing is left. It
-- sleeps until the next of them; it never spins.
local runner = ...
local create, resume, xpcall = coroutine.create, coroutine.resume, xpcall
local clock, emit, has_listener = runner.clock, runner.emit, runner.has_listener
local next_timer, fire_timers = runner.next_timer, runner.fire_timers
local explain, explain_coroutine = runner.explain, runner.explain_coroutine
local take_signal, stop = runner.take_signal, runner.stop
local dispatch, wait, suspend, unsuspend = runner.dispatch, runner.wait, runner.suspend, runner.unsuspend

-- The milliseconds that one turn may spend on network events before timers and frames have theirs.
local SHARE = 4

local frames, last_frame

-- Calls the frame's listeners if it is time, and gives the moment of the next frame; nil without a listener.
local function frame(now)
  if not has_listener("enterFrame") then
    last_frame = nil
    return nil
  end
  local due = last_frame and last_frame + runner.frame or now
  if now < due then return due end
  -- A frame that was missed is not made up for.
  last_frame = now - due < runner.frame and due or now
  frames = frames + 1
  emit({ name = "enterFrame", frame = frames, time = now })
  return last_frame + runner.frame
end

local function sooner(one, other)
  if not one or other and other < one then return other end
  return one
end

-- What is due now, then sleep. False when nothing is left, or something has asked for the end.
local function turn()
  local signal = take_signal()
  if signal == "suspend" then
    emit({ name = "system", type = "applicationSuspend" })
    suspend()
    stop()
    unsuspend()
    emit({ name = "system", type = "applicationResume" })
  elseif signal then
    runner.ended_by = signal
    return false
  end
  fire_timers(clock())
  local next_frame = frame(clock())
  local left = dispatch(SHARE)
  if runner.exit_requested or runner.broken then return false end
  local due = sooner(next_timer(), next_frame)
  if left == 0 and not due then return false end
  wait(left > 0, due and due - clock())
  return true
end

-- True, or false and what was wrong with the main chunk, whose error ends the run, also after it had to wait. Errors of
-- listeners were reported when they came.
return function(chunk, ...)
  frames, last_frame = 0, nil
  runner.failed, runner.broken, runner.exit_requested, runner.ended_by = false, false, false, nil
  local ok, told
  local main = create(function(...)
    ok, told = xpcall(chunk, explain, ...)
    runner.broken = not ok
  end)
  resume(main, ...)
  if runner.broken then return false, told end
  runner.listen()
  emit({ name = "system", type = "applicationStart" })
  while turn() do end
  if ok == nil and not runner.ended_by and not runner.exit_requested then
    return false, explain_coroutine(main, "the script waits in coroutine.yield, and nothing is left to resume it")
  end
  return not runner.broken, told
end
