# What ActionDispatch::Request makes of multipart/form-data. The names that begin with "left: " are what
# the Rust code leaves to Rails.
require "action_controller"

TYPE = "multipart/form-data; boundary=AaB03x"

def part(disposition, content, *fields)
  "--AaB03x\r\n#{["Content-Disposition: form-data; #{disposition}", *fields].join("\r\n")}\r\n\r\n#{content}\r\n"
end

def form(*parts)
  "#{parts.join}--AaB03x--\r\n"
end

def file(name, content = "x")
  form(part(%(name="f"; filename=#{name}), content, "Content-Type: text/plain"))
end

PNG = "\x89PNG\r\n\x1a\n\x00\xff".b

FORMS = {
  "text" => form(part('name="a"', "1"), part('name="b"', "two\r\nlines"), part('name="a"', "3")),
  "nested" => form(part('name="u[name]"', "n"), part('name="u[t][]"', "1"), part('name="u[t][]"', "2"), part('name="l[][x]"', "1"), part('name="l[][x]"', "2")),
  "a conflict" => form(part('name="a"', "n"), part('name="a[]"', "1")),
  "utf-8" => form(part("name=\"gr\u00fc\u00dfe\"", "sch\u00f6n")),
  "not utf-8" => form(part('name="a"', "\xff".b)),
  "an empty text" => form(part('name="a"', "")),
  "a word as a name" => form(part("name=a", "1")),
  "a file" => form(part('name="u[avatar]"; filename="me.png"', PNG, "Content-Type: image/png"), part('name="u[name]"', "n")),
  "files" => form(part('name="f[]"; filename="a"', "1"), part('name="f[]"; filename="b"', "2", "Content-Type: application/octet-stream")),
  "an empty file" => file('"a.txt"', ""),
  "no file chosen" => form(part('name="f"; filename=""', "", "Content-Type: application/octet-stream"), part('name="a"', "1")),
  "a file without a type" => form(part('name="f"; filename="a"', "1")),
  "a path of Windows" => file('"C:\\\\docs\\\\a b.txt"'.gsub("\\\\", "\\")),
  "a path of a network" => file('"\\\\srv\\x.txt"'),
  "a path" => file('"/tmp/x/a.txt"'),
  "slashes" => file('"//"'),
  "an escaped name" => file('"a%22b%0Dc.txt"'),
  "a broken escape" => file('"100%.txt"'),
  "a name of utf-8" => file("\"\u00e4\u2713.txt\""),
  "an extended name" => form(part("name=\"f\"; filename*=utf-8''%e2%82%ac.txt", "x")),
  "both names" => form(part("name=\"f\"; filename=\"a.txt\"; filename*=UTF-8''b.txt", "x")),
  "both names, turned" => form(part("name=\"f\"; filename*=UTF-8''b.txt; filename=\"a.txt\"", "x")),
  "a word as a file's name" => file("a.txt"),
  "two backslashes" => file('"a\\\\\\\\b"'),
  "a semicolon" => file('"a;b.txt"'),
  "a colon" => file('"a:b.txt"'),
  "the file's name first" => form(part('filename="a"; name="f"', "1")),
  "no blanks" => form(part('name="f";filename="a"', "1")),
  "a charset" => form(part('name="a"', "1", "Content-Type: text/plain; charset=UTF-8")),
  "json in a part" => form(part('name="a"', "{}", "Content-Type: application/json")),
  "a length" => form(part('name="a"', "1", "Content-Length: 1", "Content-Transfer-Encoding: binary")),
  "an epilogue" => "#{form(part('name="a"', "1"))}more",
  "no last line end" => form(part('name="a"', "1")).chomp("\r\n"),
  "nothing but an end" => "--AaB03x--\r\n",
  "nothing" => "",
  "half a boundary in a content" => form(part('name="a"', "x\r\n--AaB03\r\n--AaB03xy\r\n-")),
  "a boundary in a line, as text" => form(part('name="a"', "x--AaB03xy")),
  "line ends" => form(part('name="a"', "\r\n\r\n")),
  "lower case" => form(part('name="a"', "1")).sub("Content-Disposition", "content-disposition"),
  "a backslash in a name" => form(part('name="a\\b"', "1")),
  "a blank in a type" => form(part('name="f"; filename="a"', "1", "Content-Type: text/plain ")),
  "left: a quote in a name" => form(part('name="a\\"b"', "1")),
  "left: a quote in a file's name" => file('"a\\"b.txt"'),
  "left: no name" => form(part('filename="a"', "1")),
  "left: an empty name" => form(part('name=""', "1")),
  "left: a preamble" => "hello\r\n#{form(part('name="a"', "1"))}",
  "left: no end" => part('name="a"', "1"),
  "left: cut" => form(part('name="a"', "1"))[0, 40],
  "left: another charset" => form(part('name="a"', "\xe4".b, "Content-Type: text/plain; charset=iso-8859-1")),
  "left: not a form" => "hello",
  "left: a boundary at a content's place" => "--AaB03x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--AaB03x--\r\n",
  "left: bare line ends" => form(part('name="a"', "1")).gsub("\r\n", "\n"),
  "left: folded" => form(part("name=\"a\";\r\n filename=\"b\"", "1")),
  "left: an extended name in Latin" => form(part("name=\"f\"; filename*=iso-8859-1''%e4.txt", "x")),
  "left: a file's name that is not utf-8" => file('"%ff.txt"'),
  "left: a type without a blank" => form(part('name="f"; filename="a"', "1", "Content-Type:text/plain")),
}.freeze

TYPES = {
  "a quoted boundary" => 'multipart/form-data; boundary="AaB03x"',
  "a charset in the type" => "multipart/form-data; charset=utf-8; boundary=AaB03x",
  "another case" => "Multipart/Form-Data;Boundary=AaB03x",
}.freeze

def shown(value)
  case value
  when Hash then value.to_h.transform_values { |it| shown(it) }
  when Array then value.map { |it| shown(it) }
  when ActionDispatch::Http::UploadedFile
    { "filename" => value.original_filename, "type" => text(value.content_type), "head" => text(value.headers),
      "content" => value.read.unpack1("H*"), "size" => value.size }
  when String then text(value)
  else value
  end
end

def text(value)
  value = value&.dup&.force_encoding("UTF-8")
  value.nil? || value.valid_encoding? ? value : value.unpack1("H*")
end

def seen(type, body)
  env = { "REQUEST_METHOD" => "POST", "QUERY_STRING" => "", "rack.input" => StringIO.new(body.b), "CONTENT_TYPE" => type,
          "CONTENT_LENGTH" => body.bytesize.to_s, "rack.errors" => StringIO.new }
  result = { "params" => shown(ActionDispatch::Request.new(env).request_parameters) }
rescue => e
  result = { "status" => ActionDispatch::ExceptionWrapper.status_code_for_exception(e.class.name), "error" => e.class.name }
ensure
  return { "type" => type, "hex" => body.b.unpack1("H*") }.merge(result)
end

def vectors
  plain = FORMS.transform_values { |body| seen(TYPE, body) }
  { "forms" => plain.merge(TYPES.transform_values { |type| seen(type, FORMS["text"]) }) }
end
