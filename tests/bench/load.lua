-- What wrk sends when it is given a body's size (UPLOAD, in bytes), and the sums as one line of JSON.

local upload = tonumber(os.getenv("UPLOAD"))
if upload then
   wrk.method = "POST"
   wrk.body = string.rep("x", upload)
   wrk.headers["Content-Type"] = "application/octet-stream"
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "bytes": %d, "seconds": %f, "unanswered": %d, "refused": %d}\n',
      summary.requests, summary.bytes, summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
