require_relative "boot"

require "rails"
require "active_model/railtie"
require "active_job/railtie"
require "active_record/railtie"
require "active_storage/engine"
require "action_controller/railtie"
require "action_mailer/railtie"
require "action_view/railtie"
require "action_cable/engine"

Bundler.require(*Rails.groups)

module Shop
  class Application < Rails::Application
    config.load_defaults 6.1

    state = Pathname.new(SHOP_STATE)
    config.paths["log"] = state.join("log/#{Rails.env}.log").to_s
    config.paths["tmp"] = state.join("tmp").to_s

    config.time_zone = "UTC"
    config.cache_store = :null_store
    config.active_job.queue_adapter = :sidekiq

    # A mail is a file of its recipient's name: none leaves the machine.
    config.action_mailer.delivery_method = :file
    config.action_mailer.file_settings = { location: state.join("mail").to_s }

    config.active_storage.service = :state
    config.active_storage.draw_routes = false
    config.active_storage.analyzers = []
    config.active_storage.previewers = []
  end
end
