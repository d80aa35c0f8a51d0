# What sanitize leaves of texts: those that people write, those that only libxml2 can tell the meaning
# of, and random ones of the same pieces.
require "action_view"
require "active_support/all"

VIEW = ActionView::Base.with_empty_template_cache.with_view_paths([])

WRITTEN = [
  "<b>Mug</b> isn't just \"nice\" \u2013 it's fish & chips nice.\nMade in \u00c5re, 5 < 6 > 4, caf\u00e9: \u65e5\u672c\u8a9e \u2713 \u{1f33f}",
  "", " ", "\n", "plain", "a < b", "a > b", "a <3", "a<\u00e9", "a<", ">", "&", "a & b", "&&", "& &", "&;", "5 <<6", "<<b>x</b>",
  "<b>x</b>", "<i><b>x</b></i>", "<b><b>x</b></b>", "<b></b>", "<b> </b>", "  <b>x</b>", "<b>x</b>\n", "<i>\n</i>x", "<i>a</i> <b>b</b>",
  "< b>x", "a &amp; b", "&amp;amp;", "&lt;script&gt;", "&quot;&apos;", "R&D", "&amp", "&foo", "a&b c;", "&\u00e9", "\u00a0\u2028\u007f\u0080", "\t<b>\t</b>\t", "\u{10fffd}"
].freeze

ODD = [
  "<b>x", "x</b>", "<b>x</i>", "<i><b>x</i></b>", "<B>x</B>", "<b >x</b>", "<b/>x", "<b class=\"x\">y</b>", "<b onclick='x'>y</b>", "<em>a</em>",
  "<p>a<p>b", "a<br>b", "<script>alert(1)</script>x", "a<!--x-->b", "a<b", "a</", "a<!", "a<?", "<b", "<b>x</b", "<bi>x</bi>", "</i><i>",
  "&nbsp;", "&eacute;", "&#233;", "&#x41;", "&foo;", "&#;", "&#0;", "a\u0000b", "\u0001", "\ufffe", "a\rb"
].freeze

PIECES = ["<b>", "</b>", "<i>", "</i>", "<", ">", "&", "&amp;", "&lt;", "&quot;", " ", " ", "\n", "\t", "a", "b", "x y", "5", "\"", "'", "\u00e9", "\u{1f33f}", ";", "#", "/", "!"].freeze

# Half of them well nested.
def random_text(random)
  return Array.new(random.rand(1..12)) { PIECES.sample(random: random) }.join if random.rand < 0.5

  Array.new(random.rand(1..6)) do
    text = (PIECES - %w[<b> </b> <i> </i> / ! #]).sample(random.rand(0..3), random: random).join.gsub(/[<&](?=[a-z])/, "")
    tag = ["b", "i", nil].sample(random: random)
    tag ? "<#{tag}>#{text}</#{tag}>" : text
  end.join
end

def sanitized(text)
  [text, VIEW.sanitize(text, tags: %w[b i]).to_s]
end

def vectors
  random = Random.new(7)
  {
    "written" => WRITTEN.map { |it| sanitized(it) },
    "odd" => ODD.map { |it| sanitized(it) },
    "random" => Array.new(Integer(ENV.fetch("RANDOM_TEXTS", 400))) { sanitized(random_text(random)) }
  }
end
