-- Beacons for wrk: three events each, every eventId used once, sessions taken in turn.
-- Arguments: token, number of sessions (0: every beacon another one), shape ("beacon" or "peer").
local random = math.random
local token, sessions, shape
local n = 0
local salt = ""

function init(args)
  token, sessions, shape = args[1], tonumber(args[2]), args[3]
  math.randomseed(os.time())
  for _ = 1, 16 do salt = salt .. string.format("%x", random(0, 15)) end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = shape == "peer" and "application/json" or "text/plain;charset=UTF-8"
  wrk.headers["Origin"] = "https://shop.example"
end

local EVENT = [[{"eventId":"%s-%d-%d","eventType":"Click","itemId":"product-%d","sentAt":%d,]]
  .. [["recommendationId":"RID-0d2c5b9e-4a31-4c9f-8a55","impression":["product-1","product-2","product-3","product-4"],]]
  .. [["properties":{"price":19.9}}]]

function request()
  n = n + 1
  local session = sessions == 0 and n or n % sessions
  local now = os.time() * 1000
  local events = {}
  for i = 1, 3 do events[i] = EVENT:format(salt, n, i, n % 2000, now) end
  local body = ([[{"v":1,"token":"%s","sessionId":"%s-%012d","sentAt":%d,"seq":%d,"eventList":[%s]}]])
    :format(token, salt, session, now, n, table.concat(events, ","))
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d %d %d\n",
    summary.requests, summary.duration,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max, summary.bytes))
end
