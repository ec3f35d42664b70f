-- A login screen: posts JSON and greets the player by what comes back.
local json = require("json")

local LOGIN_URL = "http://api.example.com/post"

local function onAlertClosed(event)
    print("closed", event.action)
end

local function onLogin(event)
    if event.isError then
        native.showAlert("Login", "No connection: " .. event.response, { "OK" })
        return
    end
    if event.status ~= 200 then
        native.showAlert("Login", "Refused with status " .. event.status, { "OK" })
        return
    end
    local answer = json.decode(event.response)
    native.showAlert("Login", "Welcome back, " .. answer.json.user, { "OK" }, onAlertClosed)
end

local params = {}
params.headers = {}
params.headers["Content-Type"] = "application/json"
params.headers["X-API-Key"] = "13b6ac91a2"
params.body = json.encode({ user = "alice", password = "secret" })
params.timeout = 10

network.request(LOGIN_URL, "POST", onLogin, params)
print("waiting")
