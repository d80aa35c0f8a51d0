# What Sidekiq 6.4, Active Job and Action Mailer 6.1 send to Redis: the commands, with a clock that stands still and the
# ids that SecureRandom gives replaced by fixed ones.
require "active_support/all"
require "action_mailer"
require "active_job"
require "sidekiq"
require "global_id"

NOW = Time.at(1_795_515_387, 695_312_000, :nanosecond).utc
SecureRandom.define_singleton_method(:hex) { |size| "0" * size * 2 }
SecureRandom.define_singleton_method(:uuid) { "00000000-0000-4000-8000-000000000000" }
Time.define_singleton_method(:now) { NOW.dup }

class Record
  def with = yield(self)
  def pipelined = yield(self)
  def sent = @sent ||= []
  %w[sadd lpush zadd].each { |name| define_method(name) { |*arguments| sent << [name, *arguments].flatten } }
end

def sent
  record = Record.new
  Sidekiq::Client.via(record) { yield }
  record.sent
end

Time.zone = "UTC"
GlobalID.app = "shop"
ActiveJob::Base.logger = Logger.new(nil)
ActiveSupport::Deprecation.silenced = true
ActiveJob::Base.queue_adapter = :sidekiq

class OrderConfirmationWorker
  include Sidekiq::Worker
  def perform(*) = nil
end

class PickyWorker
  include Sidekiq::Worker
  sidekiq_options queue: "low", retry: 5
end

class StubbornWorker
  include Sidekiq::Worker
  sidekiq_options retry: false
end

class ReturnNotificationJob < ActiveJob::Base; end

class LowJob < ActiveJob::Base
  queue_as :low
  queue_with_priority 7
end

class WelcomeMailer < ActionMailer::Base
  def welcome(*) = nil
end

# Delivers a mail later, as an application of that version's defaults does.
def mailed(version, options = {})
  job, queue = version < "6.0" ? [ActionMailer::DeliveryJob, :mailers] : [ActionMailer::MailDeliveryJob, (:mailers if version < "6.1")]
  WelcomeMailer.delivery_job = job
  ActionMailer::Base.deliver_later_queue_name = queue
  sent { yield.deliver_later(options) }
end

module Shop
  class Return
    include GlobalID::Identification
    attr_reader :id
    def initialize(id) = @id = id
  end
end

RETURN = Shop::Return.new(7)
TIME = Time.utc(2026, 1, 2, 3, 4, 5, 678_901)

ARGUMENTS = {
  "record" => [RETURN],
  "record with a text for an id" => [Shop::Return.new("a b/c")],
  "plain" => [nil, true, false, 1, -2.5, 1e20, 0.1, "a<b>&\u2028\"\\\n\u0001\u007f/"],
  "array" => [[1, [RETURN]]],
  "hash" => [{ "a" => 1, "b" => { "c" => RETURN } }],
  "symbols" => [{ note: "aj", "text" => 1, other: { x: 1 } }],
  "indifferent" => [{ a: 1 }.with_indifferent_access],
  "symbol" => [:a],
  "time" => [TIME],
  "time elsewhere" => [TIME.getlocal("+02:00")],
  "time with zone" => [TIME.in_time_zone],
  "date" => [Date.new(2026, 1, 2)],
  "date and time" => [TIME.to_datetime],
  "duration" => [5.minutes, 1.day + 2.hours],
  "module" => [Shop],
  "decimal" => [BigDecimal("19.90")],
}.freeze

def vectors
  {
    "sidekiq" => {
      "plain" => sent { OrderConfirmationWorker.perform_async(42) },
      "arguments" => sent { OrderConfirmationWorker.perform_async(nil, true, 1.5, 1e16, "a<b>&\u2028\u00e9\"\\\n\u0001\u007f/", [1, { "b" => 2 }]) },
      "none" => sent { OrderConfirmationWorker.perform_async },
      "options" => sent { PickyWorker.perform_async(1) },
      "no retry" => sent { StubbornWorker.perform_async(1) },
      "in a minute" => sent { OrderConfirmationWorker.perform_in(60, 42) },
      "at a time" => sent { OrderConfirmationWorker.perform_at(Time.at(1_800_000_000), 42) },
      "in the past" => sent { OrderConfirmationWorker.perform_at(Time.at(1_700_000_000), 42) },
    },
    "active_job" => {
      "plain" => sent { ReturnNotificationJob.perform_later(RETURN) },
      "options" => sent { LowJob.perform_later(RETURN) },
      "in a minute" => sent { ReturnNotificationJob.set(wait: 1.minute).perform_later(RETURN) },
      "keywords" => sent { ReturnNotificationJob.perform_later(1, note: "x") },
    },
    "action_mailer" => {
      "plain" => mailed("6.1") { WelcomeMailer.welcome(RETURN, "x") },
      "nothing" => mailed("6.1") { WelcomeMailer.welcome },
      "keywords" => mailed("6.1") { WelcomeMailer.welcome(1, note: "x") },
      "params" => mailed("6.1") { WelcomeMailer.with(returned: RETURN, note: "x").welcome(1) },
      "in a minute" => mailed("6.1", wait: 1.minute) { WelcomeMailer.welcome(RETURN) },
      "6.0" => mailed("6.0") { WelcomeMailer.welcome(RETURN) },
      "5.2" => mailed("5.2") { WelcomeMailer.welcome(RETURN, "x") },
      "5.2 with params" => mailed("5.2") { WelcomeMailer.with(returned: RETURN).welcome(1) },
    },
    "arguments" => ARGUMENTS.transform_values { |it| JSON.generate(ActiveJob::Arguments.serialize(it)) },
  }
end
