-- What wrk sends: bodies from a file, one a line, picked at random or each once in their order,
-- each request with an Idempotency-Key of its own where asked. Arguments: the file, "keyed" or
-- "plain", "once" or "any", a number that no other run has, and what goes into Accept-Encoding, if
-- anything. The last line it prints is for load.ts.

local head, tails, keyed, once, run, sent = nil, {}, false, false, 0, 0

function init(args)
  keyed, once, run = args[2] == "keyed", args[3] == "once", tonumber(args[4])
  math.randomseed(os.time() * 1000 + run)
  head = string.format(
    "POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/x-www-form-urlencoded\r\n",
    wrk.path, wrk.host, wrk.port)
  if (args[5] or "") ~= "" then head = head .. "Accept-Encoding: " .. args[5] .. "\r\n" end
  for body in io.lines(args[1]) do
    tails[#tails + 1] = string.format("Content-Length: %d\r\n\r\n%s", #body, body)
  end
end

-- As a random UUID lies in an index, and unique all the same: the end counts.
local function key()
  return string.format("Idempotency-Key: %08x-%04x-4%03x-%04x-%012x\r\n", math.random(0, 2^31 - 1),
    math.random(0, 65535), math.random(0, 4095), run, sent)
end

function request()
  local tail = once and tails[sent % #tails + 1] or tails[math.random(#tails)]
  sent = sent + 1
  if keyed then return head .. key() .. tail end
  return head .. tail
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format("\nmeasured %d %d %d %d %d %d",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
