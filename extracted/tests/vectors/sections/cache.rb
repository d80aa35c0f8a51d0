# What Rails.cache keeps of sessions: a small one, one that expires, and one that is worth compressing.
require "active_support/all"
require "active_support/cache"

NOW = 1_700_000_000.0

def entry(value, expires_in)
  entry = ActiveSupport::Cache::Entry.new(value, expires_in: expires_in)
  entry.instance_variable_set(:@created_at, NOW)
  Marshal.dump(entry).unpack1("H*")
end

def vectors
  small = { "user_id" => 7, "_csrf_token" => "abc" }
  large = { "user_id" => 7, "notes" => "x" * 2000 }
  { "entries" => [entry(small, nil), entry(small, 0.5), entry(large, 0.5)] }
end
