function love.conf(settings)
  settings.identity = "whimbrel-downloader"
  settings.window.title = "Whimbrel: a download and an event stream, frame by frame"
  settings.window.width, settings.window.height = 800, 480
  for _, name in ipairs({ "audio", "sound", "joystick", "touch", "physics", "video" }) do
    settings.modules[name] = false
  end
end
