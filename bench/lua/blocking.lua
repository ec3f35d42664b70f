-- Whimbrel's blocking http module, as a script author calls it.
local http = require("http")

require("measure")(function(job)
  local options = job.url:find("^https:") and { ca_file = job.ca } or nil
  if job.mode == "file" then
    return function()
      assert(http.download(job.url, job.file, options))
    end
  end
  return function()
    local response = assert(http.get(job.url, options))
    assert(response.status == 200 and #response.body > 0)
  end
end)
