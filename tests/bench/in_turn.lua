-- Sends what TARGETS and BODIES say, a line for each, in turn; and prints the sums as one line of
-- JSON, with latencies in ms and how many answers were anything but a 200.

local function lines(text)
   local all = {}
   for line in text:gmatch("[^\n]+") do table.insert(all, line) end
   return all
end

local requests, sent, thread = {}, 0, nil
wrong = 0 -- global, so that `done` can read it

function setup(it) thread = it end -- there is one

function init()
   local bodies = lines(os.getenv("BODIES"))
   for number, target in ipairs(lines(os.getenv("TARGETS"))) do
      table.insert(requests, wrk.format(os.getenv("METHOD"), target, nil, bodies[number]))
   end
end

function request()
   sent = sent + 1
   return requests[sent % #requests + 1]
end

function response(status)
   if status ~= 200 then wrong = wrong + 1 end
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "unanswered": %d, "wrong": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.connect + errors.read + errors.write + errors.timeout, thread:get("wrong")))
end
