-- A game without a window: what it shows are its frames.
function love.conf(settings)
  settings.identity = "whimbrel-polled-test"
  settings.console = false
  settings.window = nil
  for _, name in ipairs({ "window", "graphics", "audio", "sound", "joystick", "touch", "physics", "video", "font", "image", "mouse", "keyboard" }) do
    settings.modules[name] = false
  end
end
