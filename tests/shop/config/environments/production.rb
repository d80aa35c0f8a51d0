Rails.application.configure do
  config.cache_classes = true
  config.eager_load = true
  config.rake_eager_load = true
  config.consider_all_requests_local = false
  config.action_controller.perform_caching = false

  # No web server stands between Puma and the proxy: public/ is Puma's, and so is compression.
  config.public_file_server.enabled = true
  config.middleware.use Rack::Deflater, include: %w[text/csv]

  # Unless the proxy sends the files that we only name: uploads, and with X-Sendfile also public/.
  if (field = ENV["SHOP_SENDFILE"].presence)
    storage = Regexp.escape("#{SHOP_STATE}/storage")
    config.middleware.swap Rack::Sendfile, Rack::Sendfile, field, [[storage, "/uploads"]]
  end

  # The shop is reached through a proxy under whatever name and port that has.
  config.hosts.clear
  config.force_ssl = false

  config.log_level = :info
  config.log_tags = [:request_id]
  config.active_support.deprecation = :notify
  config.i18n.fallbacks = true
end
