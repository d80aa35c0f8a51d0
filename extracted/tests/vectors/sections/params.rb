# What ActionDispatch::Request makes of queries and bodies. Bytes outside ASCII are in hexadecimal where
# they are not UTF-8; files are not here but in multipart.rb.
require "action_controller"

QUERIES = [
  "", "a=1", "a=1&b=2", "b=1&a=2&b=3", "a", "a&b", "a=", "=1", "&&a=1&", "a=1;b=2", "a=1; b=2", "a=1& b=2", "a=1;;b",
  "q=caf%C3%A9+noir%2B", "a=b=c", "a=%00", "a=%0a", "a%20b=1", "+a=1", "%61=1", "a=%", "a=%4", "a=%zz", "a%zz=1",
  "a=%ff", "a=%ff&a=1", "%ff=1", "a[%ff]=1", "a[]=%ff", "a[b]=%ff&a[b]=2", "a=\u00e9",
  "a[]=1", "a[]=1&a[]=2", "a[]", "a[]=", "a[]&a[]=1", "a[]&a[]", "a[b]=1", "a[b]=1&a[c]=2", "a[b][c]=1", "a[b][]=1&a[b][]=2",
  "a[b]", "a[b]&a[b]=1", "a%5Bb%5D=1", "a[b]=1&a[b]=2",
  "a[][x]=1", "a[][x]=1&a[][y]=2", "a[][x]=1&a[][y]=2&a[][x]=3&a[][y]=4", "a[][x]=1&a[][x]=2", "a[][x][y]=1&a[][x][z]=2",
  "a[][x][y]=1&a[][x][y]=2", "a[][x][]=1&a[][x][]=2", "a[][x][]=1&a[][y]=2&a[][x][]=3", "a[][]=1", "a[][]=1&a[][]=2",
  "a[][x]=1&a[][]=2", "a[][]", "a[][b][][c]=1&a[][b][][c]=2", "a[][x]=1&a[]=2&a[][y]=3", "a[]=1&a[][x]=2",
  "a=1&a[]=2", "a=1&a[b]=2", "a[]=1&a=2", "a[b]=1&a=2", "a[]=1&a[b]=2", "a[b]=1&a[]=2", "a[b]=1&a[b][c]=2", "a[b][c]=1&a[b]=2",
  "a[b]=1&a[b][]=2", "a&a[]=1", "a&a[b]=1", "a[b]&a[b][c]=1",
  "[]=1", "[]", "[a]=1", "[a][b]=1", "[[a]]=1", "a]=1", "a]]=1", "a]b=1", "a][b]=1", "a[=1", "a[[=1", "a[[", "a[b=1", "a[b[c]=1",
  "a[b]c=1", "a[b][=1", "a[]]=1", "a[]b=1", "a[][b=1", "a[][b]c=1", "a[ ]=1", "a[0]=x&a[1]=y", "[=1", "]=1", "a[b]]=1", "a[]]]=1", "a[][[=1",
  "a[[]]=1", "a[[b]]=1", "a.b=1", "a[b.c]=1", "a[b-c][]=1", "id=9&controller=x&action=y", "a%5b%5d=1&a%5B%5D=2",
  "a=1&#{'x' * 300}=2", "utf8=%E2%9C%93&_method=put", "a[%20]=1", "%E2%9C%93[%E2%9C%93]=%E2%9C%93", "a\tb=1", "a=1 2",
].freeze

# Too long to be printed: how they are made is written in Rust as well.
LONG = {
  "4095 separators" => "a&" * 4095,
  "4096 separators" => "a&" * 4096,
  "depth 100" => "a#{'[b]' * 99}=1",
  "depth 101" => "a#{'[b]' * 100}=1",
  "key space 65536" => "a" * 65_536,
  "key space 65537" => "a" * 65_537,
  "key space of characters" => "%C3%A9" * 65_536,
  "key space of one hash" => "a[#{'b' * 40_000}]=1&b[#{'c' * 40_000}]=1",
  "4194304 bytes" => "a=#{'b' * (4_194_304 - 2)}",
  "4194305 bytes" => "a=#{'b' * (4_194_304 - 1)}",
}.freeze

JSONS = [
  "{}", "[]", "null", "1", '"a"', "true", '{"a":1}', '{"a":1.5,"b":-2,"c":1e3,"d":1E-2}', '{"b":1,"a":2,"b":3}', '{"a":[1,null,"x",null]}',
  '{"a":[[null],[]]}', '{"a":{"b":[{"c":null},null]}}', "[1,null]", '{"a":null}', ' {"a" : 1 } ', "", " ", "{", '{"a":}', '{"a":1,}', "[1,]",
  "nul", "NaN", '{"a":NaN}', "01", '{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":-}', '{"a":+1}', "{'a':1}", '{"a":"\\u00e9\\u2713\\ud83d\\ude00"}',
  '{"a":"x\\ty\\/"}', "{\"a\":\"x\ty\"}", '{"a":1} x', '{"a":1}{"b":2}', "\uFEFF{}", '{"a":"é"}', '{"":1}', '{"_json":[1]}', '{"a":18446744073709551615}',
  '{"a":9007199254740993}', '{"a":"\\u0000"}', "[[[[1]]]]", '{"a":tru}', "\"a", "{\"a\" 1}", '{"a":0.1}', '{"a":100.0}', '{"a":-0.5}',
  '{"a":1e20}', '{"a":123456789012345678901234567890}', '{"a":1e400}', '{"a":"\\q"}', '{"a":"\\ud800"}', '{"a":1/*x*/}', "// x\n{}", '{"a":-0}', '{"a":-0.0}',
  "{\"a\":\"\x80\"}".b,
].freeze

DEEP = {
  "100 arrays" => "#{'[' * 100}#{']' * 100}",
  "101 arrays" => "#{'[' * 101}#{']' * 101}",
  "100 hashes" => "#{'{"a":' * 100}1#{'}' * 100}",
  "101 hashes" => "#{'{"a":' * 101}1#{'}' * 101}",
}.freeze

def request(query: "", body: "", type: nil, method: "POST", header: nil, path: {})
  env = { "REQUEST_METHOD" => method, "QUERY_STRING" => query, "rack.input" => StringIO.new(body.b),
          "CONTENT_LENGTH" => body.bytesize.to_s, "rack.errors" => StringIO.new, "PATH_INFO" => "/",
          "SERVER_NAME" => "test", "SERVER_PORT" => "80", "rack.url_scheme" => "http" }
  env["CONTENT_TYPE"] = type if type
  env["HTTP_X_HTTP_METHOD_OVERRIDE"] = header if header
  env["action_dispatch.logger"] = Logger.new(StringIO.new)
  ActionDispatch::Request.new(env).tap { |it| it.path_parameters = path }
end

def seen
  { "params" => yield }
rescue => e
  { "status" => ActionDispatch::ExceptionWrapper.status_code_for_exception(e.class.name) }
end

def written(bytes)
  text = bytes.dup.force_encoding("UTF-8")
  text.valid_encoding? ? { "in" => text } : { "hex" => text.unpack1("H*") }
end

# Ruby's JSON would keep these numbers; ours would not.
def exact(value)
  case value
  when Hash then value.transform_values { |it| exact(it) }
  when Array then value.map { |it| exact(it) }
  when Float then value.finite? ? value : value.to_s
  when Integer then value.bit_length > 64 ? value.to_s : value
  when String then value.valid_encoding? ? value : value.unpack1("H*")
  else value
  end
end

FORM = "application/x-www-form-urlencoded"

def vectors
  {
    "queries" => QUERIES.map { |it| written(it).merge(seen { request(query: it, method: "GET").query_parameters }) },
    "forms" => QUERIES.map { |it| written(it).merge(seen { request(body: it, type: FORM).request_parameters }) },
    "long" => LONG.to_h { |name, it| [name, seen { request(query: it, method: "GET").query_parameters.size }] },
    "json" => JSONS.map { |it| written(it).merge(seen { exact(request(body: it, type: "application/json").request_parameters) }) },
    "deep" => DEEP.to_h { |name, it| [name, seen { request(body: it, type: "application/json").request_parameters.size }] },
    "all" => [
      ["a=q&b=q", "b=f&c=f&a=f", { id: "7" }], ["id=1", "id=2", { id: "7" }], ["a[b]=q", "a[c]=f", {}], ["", "x=1\0", {}],
    ].map { |query, form, path| { "query" => query, "form" => form, "path" => path, "params" => request(query: query, body: form, type: FORM, path: path).params } },
    "methods" => [
      ["POST", "_method=put", nil], ["POST", "_method=DELETE", nil], ["POST", "_method=purge", nil], ["POST", "", "patch"], ["POST", "_method=put", "patch"],
      ["POST", "_method=nope", "patch"], ["POST", "_method[]=put", nil], ["POST", "_method", "patch"], ["GET", "_method=put", "patch"], ["PUT", "_method=get", nil],
      ["POST", "_method=get", nil], ["POST", "_method=link", nil], ["POST", "_method=%ff", nil], ["POST", "_method=put&a=%zz", "patch"], ["POST", "_method=", "patch"],
      ["POST", "_method=trace", nil], ["POST", "_method=%20put", nil],
    ].map do |method, form, header|
      env = request(body: form, type: FORM, method: method, header: header).env
      Rack::MethodOverride.new(->(it) { it }).call(env)
      { "method" => method, "form" => form, "header" => header, "becomes" => env["REQUEST_METHOD"] }
    end,
  }
end
