# What the helpers write that the shop's views use. Tokens are fixed: making them is another module's.
require "action_controller"
require "action_view"
require "active_model"
require "active_support/all"

Time.zone = "UTC"
NOW = Time.utc(2026, 3, 1, 12)

class View < ActionView::Base
  def protect_against_forgery? = true
  def request_forgery_protection_token = :authenticity_token
  def form_authenticity_token(form_options: {}) = form_options.empty? ? "global+/==" : "#{form_options[:action]}##{form_options[:method]}"
  def content_security_policy? = true
  def content_security_policy_nonce = "bm9uY2U="
  def request = nil
end

# As config.load_defaults 6.1 has it.
ActionView::Helpers::FormHelper.form_with_generates_ids = true
ActionView::Helpers::FormHelper.form_with_generates_remote_forms = false
ActionView::Helpers::FormTagHelper.embed_authenticity_token_in_remote_forms = nil
ActionView::Helpers::FormTagHelper.default_enforce_utf8 = false

VIEW = View.with_empty_template_cache.with_view_paths([])

def form(**options, &block)
  VIEW.form_with(**options, &block)
end

# A model, as registrations and profiles have one.
class User
  include ActiveModel::Model
  attr_accessor :name, :email, :password, :avatar
  def persisted? = name == "Old"
  def to_key = [7]
  def self.validates(*) = nil
  include ActiveModel::Validations
end
NEW = User.new(name: "New <b>", email: "a@b.c")
INVALID = User.new(name: "x").tap { |it| it.errors.add(:name, "is bad") }

TEXTS = ["plain", "<a href=\"x\">'&'</a>", "&amp;", "\u00e9\u2028", ""].freeze
MONEY = %w[0 19.9 1234.5 1234567.891 -5 0.005 0.015 2.675 999999.995 -0.004 -0.5 100 1e3].freeze
RATINGS = [4.5, 4.25, 4.35, 0.05, 3.0, 5.0, 4.449999, 2.95, 0.25, 1234.56].freeze
SECONDS = [0, 29, 30, 31, 89, 90, 91, 149, 150, 2669, 2670, 5369, 5370, 86_369, 86_370, 151_169, 151_170, 2_591_969, 2_591_970, 5_183_969, 5_183_970,
           31_535_969, 31_535_970, 31_536_000, 39_419_970, 39_450_000, 55_188_000, 55_250_000, 63_071_999, 63_072_000, 70_956_000, 94_700_000, 315_360_000].freeze

def vectors
  {
    "escape" => TEXTS.to_h { |it| [it, ERB::Util.html_escape(it)] },
    "helpers" => {
      "csrf_meta_tags" => VIEW.csrf_meta_tags,
      "csp_meta_tag" => VIEW.csp_meta_tag,
      "link_to" => VIEW.link_to("A <b>", "/p?a=1&b=2"),
      "link_to with a class" => VIEW.link_to("Shop", "/", class: "brand"),
      "button_to" => VIEW.button_to("Mark <read>", "/n/1/read"),
      "button_to delete" => VIEW.button_to("Remove", "/l/1", method: :delete),
      "form_with post" => form(url: "/cart/lines?a=1&b=2") { "in" },
      "form_with get" => form(url: "/products", method: :get) { "in" },
      "form_with patch" => form(url: "/l/1", method: :patch) { "in" },
      "form_with class" => form(url: "/login", class: "stack") { "in" },
      "form_with model" => form(model: NEW, url: "/signup", method: :post, class: "stack") { "in" },
      "form_with file" => form(model: NEW, url: "/profile", method: :patch, class: "stack") { |it| it.file_field(:avatar, accept: "image/png,image/gif") },
      "form_tag" => VIEW.form_tag("/x") { "in" },
      "form_tag with utf8" => VIEW.form_tag("/x", enforce_utf8: true) { "in" },
    },
    "fields" => {
      "number_field" => form(url: "/x") { |it| it.number_field(:quantity, value: 2, min: 1, max: 99, id: nil, "aria-label": "Quantity") },
      "number_field_tag" => VIEW.number_field_tag("quantities[7]", 0, min: 0, max: 3, id: nil),
      "hidden_field" => form(url: "/x") { |it| it.hidden_field(:variant_id, value: 9, id: nil) },
      "text_field" => form(url: "/x") { |it| it.text_field(:code, placeholder: "Promotion code", "aria-label": "Promotion \"code\"") },
      "plain text_field" => form(url: "/x") { |it| it.text_field(:reason) },
      "search_field" => form(url: "/x") { |it| it.search_field(:q, value: "a<b", placeholder: "Search") },
      "search_field nil" => form(url: "/x") { |it| it.search_field(:q, value: nil, placeholder: "Search") },
      "email_field" => form(url: "/x") { |it| it.email_field(:email, value: "a@b", autocomplete: "email") },
      "password_field" => form(url: "/x") { |it| it.password_field(:password, autocomplete: "current-password") },
      "model text_field" => form(model: NEW, url: "/x") { |it| it.text_field(:name, autocomplete: "name") },
      "model password_field" => form(model: NEW, url: "/x") { |it| it.password_field(:password, autocomplete: "new-password") },
      "model email_field" => form(model: NEW, url: "/x") { |it| it.email_field(:email, autocomplete: "email") },
      "model with an error" => form(model: INVALID, url: "/x") { |it| it.text_field(:name) },
      "submit" => form(url: "/x") { |it| it.submit("Update <x>") },
      "submit without a name" => form(url: "/x") { |it| it.submit("Search", name: nil) },
      "submit disabled" => form(url: "/x") { |it| it.submit("Add", disabled: true) },
      "submit enabled" => form(url: "/x") { |it| it.submit("Add", disabled: false) },
      "select" => form(url: "/x") { |it| it.select(:card_token, [["Card that pays", "tok_ok"], ["Card <x>", "tok_no"]], {}, "aria-label": "Card") },
      "select with a blank" => form(url: "/x") { |it| it.select(:category, VIEW.options_for_select(%w[bags <x>], "<x>"), include_blank: "All categories") },
      "image_tag" => VIEW.image_tag("/profile/avatar", alt: "Your picture", width: 96),
      "time" => VIEW.tag.time("3 days ago", datetime: NOW.iso8601),
    },
    "currency" => MONEY.to_h { |it| [it, VIEW.number_to_currency(BigDecimal(it), unit: "\u20ac")] },
    "unit" => { "CHF " => VIEW.number_to_currency(BigDecimal("1"), unit: "CHF "), "<" => VIEW.number_to_currency(BigDecimal("1"), unit: "<") },
    "precision" => RATINGS.map { |it| [it, VIEW.number_with_precision(it, precision: 1)] },
    "words" => SECONDS.map { |it| [it, VIEW.distance_of_time_in_words(NOW - it, NOW)] },
    "pluralize" => [0, 1, 2, 1000].map { |it| [it, VIEW.pluralize(it, "item")] },
  }
end
