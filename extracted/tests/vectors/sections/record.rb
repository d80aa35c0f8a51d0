# What ActiveRecord's types make of values, and what cache keys of records look like.
require "active_support/all"
require "active_model"
require "active_model/type"
require "active_record"
require "active_support/cache"

NANOSECONDS = [0, 1, 999, 1_000, 123_456_789, 999_999_999, 500_000_000].freeze
TEXTS = ["", " ", "0", "1", "f", "F", "false", "FALSE", "False", "off", "OFF", "no", "t", "true", "12", " 12", "12abc", "abc", "-3", "+4", "1.9", "1e3",
         "1_000", "2147483647", "2147483648", "-2147483648", "-2147483649", "19.90", "19.905", "19.904", "-19.905", "1.5abc", ".5", "5.", "1_0.5", "--1", "\u0661",
         "1e2", "1.5e1x", "0x1f", "1,5", "+.5", "-", "1__0", "99999999999"].freeze

def of(type)
  TEXTS.map { |it| [it, yield(type.cast(it))] }
end

def database(type, text)
  type.serialize(type.cast(text))
rescue ActiveModel::RangeError
  "out of range"
end

# The store itself needs a Redis; its keys do not.
def store(namespace)
  ENV["REDIS_URL"] = nil
  ActiveSupport::Cache::RedisCacheStore.new(namespace: namespace)
end

def key(name, namespace)
  store(namespace).send(:normalize_key, name, { namespace: namespace })
end

def vectors
  integer = ActiveModel::Type::Integer.new(limit: 4)
  decimal = ActiveModel::Type::Decimal.new(precision: 10, scale: 2)
  {
    "times" => NANOSECONDS.product([0, 3, 6]).map do |nanosecond, precision|
      time = Time.at(1_710_753_300, nanosecond, :nanosecond).getlocal("+02:00")
      stored = ActiveRecord::Type::DateTime.new(precision: precision).serialize(time)
      [nanosecond, precision, stored.nsec, stored.iso8601]
    end,
    "booleans" => of(ActiveModel::Type::Boolean.new) { |it| it },
    "integers" => TEXTS.map { |it| [it, database(integer, it)] },
    "decimals" => of(decimal) { |it| it&.to_s("F") },
    "keys" => [["products/1", nil], ["products/1", "shop"], [["a", 1, ["b"]], nil], ["x" * 1024, nil], ["x" * 1025, nil], ["\u00e9" * 600, "shop"]].map do |name, namespace|
      long = name.is_a?(String) && name.size > 100
      [long ? "#{name[0]} #{name.size}" : name, namespace, key(name, namespace).unpack1("H*")]
    end,
  }
end
