-- Sends what TARGETS and BODIES say, a line for each, in turn; and prints the sums as one line of
-- JSON, with how many answers were anything but a 200, and how many requests had which latency in
-- ms, to a thousandth of it.

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

local function histogram(latency)
   local counts, pairs = {}, {}
   for number = 1, #latency do
      local microseconds, count = latency(number)
      local bucket = math.floor(math.log(math.max(1, microseconds)) * 1000 + 0.5)
      counts[bucket] = (counts[bucket] or 0) + count
   end
   for bucket, count in next, counts do
      table.insert(pairs, string.format("[%.4f, %d]", math.exp(bucket / 1000) / 1e3, count))
   end
   return table.concat(pairs, ", ")
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %f, "histogram": [%s], "unanswered": %d, "wrong": %d}\n',
      summary.requests, summary.duration / 1e6, histogram(latency),
      errors.connect + errors.read + errors.write + errors.timeout, thread:get("wrong")))
end
