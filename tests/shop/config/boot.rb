ENV["BUNDLE_GEMFILE"] ||= File.expand_path("../Gemfile", __dir__)

# Everything the shop writes at run time goes below SHOP_STATE, never into the source tree.
SHOP_STATE = File.expand_path(ENV.fetch("SHOP_STATE"))

require "bundler/setup"
require "bootsnap"

Bootsnap.setup(
  cache_dir: File.join(SHOP_STATE, "tmp/bootsnap"),
  development_mode: false,
  load_path_cache: true,
  compile_cache_iseq: true,
  compile_cache_yaml: true
)
