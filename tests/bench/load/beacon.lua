-- Beacons for wrk: three events each, every eventId used once, sessions taken in turn.
-- Arguments: token (or "@FILE" with one a line, in turn), number of sessions (0: every beacon another one),
-- shape ("beacon" or "peer"), and perhaps a file with identity tokens, one a line, in turn.
local random = math.random
local tokens, sessions, shape, identities
local n = 0
local salt = ""

local function lines_of(name)
  local lines = {}
  for line in io.lines(name) do lines[#lines + 1] = line end
  return lines
end

function init(args)
  sessions, shape = tonumber(args[2]), args[3]
  tokens = args[1]:sub(1, 1) == "@" and lines_of(args[1]:sub(2)) or { args[1] }
  identities = args[4] and lines_of(args[4])
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
  local identity = identities and ([["identity":"%s",]]):format(identities[n % #identities + 1]) or ""
  local body = ([[{"v":1,"token":"%s",%s"sessionId":"%s-%012d","sentAt":%d,"seq":%d,"eventList":[%s]}]])
    :format(tokens[n % #tokens + 1], identity, salt, session, now, n, table.concat(events, ","))
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d %d %d\n",
    summary.requests, summary.duration,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max, summary.bytes))
end
