# What Rails' to_json writes. The inputs are JSON themselves, so that Rust can read them.
require "active_support/all"

Time.zone = "UTC"
FLOATS = Random.new(1).then do |random|
  Array.new(150) { [random.bytes(8)].first.unpack1("G") }.select(&:finite?) +
    Array.new(150) { random.rand(1_000_000) / 100.0 } + [5e-324, 1.7976931348623157e308, 1e15, 1e16, 1e-4, 1e-5, 123456789.123456789, 0.1 + 0.2, 1e22, 1e23]
end.freeze

VALUES = [
  '{"b":1,"a":{"z":[],"y":{}},"c":[1,[2,[3,null]],true,false]}', '"<script>&\u2028\u2029</script>"', '{"<&>":"\'\"/\\\\"}',
  '"\u0000\u0001\u0007\b\t\n\u000b\f\r\u001b\u001f\u007f\u0080\u00a0\u00e9\ud83d\ude00\ufffd"', '""', "[]", "{}", "null", "-0.0", "9223372036854775807", "-9223372036854775808",
  "18446744073709551615", '{"":""}', '[0.1,100.0,1e2,-1.5e-7]',
].freeze

def vectors
  {
    "values" => VALUES.map { |it| [it, JSON.parse(it).to_json] },
    "floats" => FLOATS.map { |it| [[it].pack("G").unpack1("H*"), it.to_json] },
    "not finite" => [Float::NAN, Float::INFINITY, -Float::INFINITY].map { |it| [[it].pack("G").unpack1("H*"), it.to_json] },
    "decimals" => %w[0 -0.00 19.90 100 0.1 0.000000001 123456789012345678.12 -5.50 1e3].map { |it| [it, BigDecimal(it).to_json] },
    "times" => [0, 1_710_753_300_999_999_999, 1_710_753_300_000_000_000, -1_000_000].map { |it| [it, Time.at(it / 1_000_000_000, it % 1_000_000_000, :nanosecond).in_time_zone.to_json] },
  }
end
