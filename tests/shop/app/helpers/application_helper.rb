module ApplicationHelper
  SYMBOLS = { "EUR" => "€", "GBP" => "£", "USD" => "$" }.freeze

  def money(amount, currency = "EUR")
    number_to_currency(amount, unit: SYMBOLS.fetch(currency, "#{currency} "))
  end

  def stars(rating)
    rating ? "★ #{number_with_precision(rating, precision: 1)}" : "not rated yet"
  end

  def ago(time)
    tag.time("#{time_ago_in_words(time)} ago", datetime: time.iso8601)
  end
end
