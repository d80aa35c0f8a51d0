# What the gem says of queries to the shop's schema before it executes them. The rows behind the schema
# are stand-ins: nothing is read of them.
require "active_support/all"
require "bigdecimal"
require "graphql"

GRAPH = File.expand_path("../../../../tests/shop/app/graphql", __dir__)

module Types; end
class Product
  PER_PAGE = 20
  def self.find_by(id:) = nil
  def self.named_like(_) = self
  def self.sorted_by(_) = self
end
class Page
  def self.of(*, **) = new
  def records = []
end
class Variant
  def self.find_by(id:) = new
end
%w[base_object money variant_type product_type cart_line_type cart_type query_type mutation_type].each { |it| require "#{GRAPH}/types/#{it}" }
require "#{GRAPH}/shop_schema"

Errors = Struct.new(:any?)
Line = Struct.new(:errors)
Pricing = Struct.new(:subtotal, :discount, :shipping, :total)
class Cart
  def add(*) = Line.new(Errors.new(false))
  def reload = self
  def count = 0
  def lines = []
  def pricing = Pricing.new(0, 0, 0, 0)
end

def said(query, variables, operation)
  cart = -> { Cart.new }
  context = { cart: cart, cart_for_writing: cart }
  ShopSchema.execute(query, variables: variables, operation_name: operation, context: context).to_h["errors"]
end

TOLD = [
  ["{product(id:1){id name}}", {}, nil],
  ["{product(id:0){id name}}", {}, nil],
  ["{ product(id:1) { idd } }", {}, nil],
  ["{ product { id } }", {}, nil],
  ["{ product(ID:1,id:2) { id } }", {}, nil],
  ["{ products(page:\"x\") { id } }", {}, nil],
  ["{ products(page:1.0) { id } }", {}, nil],
  ["{ products(page:null) { id } }", {}, nil],
  ["{ products(query:1) { id } }", {}, nil],
  ["{ product(id:null){id} }", {}, nil],
  ["{ product(id:1.5){id} }", {}, nil],
  ["{ product(id:ABC){id} }", {}, nil],
  ["{ product(id:true){id} }", {}, nil],
  ["query($id:ID!){product(id:$id){id}}", {}, nil],
  ["query($id:ID!){product(id:$id){id}}", {"id" => nil}, nil],
  ["query($id:ID!){product(id:$id){id}}", {"id" => 1}, nil],
  ["query($id:ID!){product(id:$id){id}}", {"id" => 1.5}, nil],
  ["query($id:ID!){product(id:$id){id}}", {"id" => true}, nil],
  ["query($p:Int){products(page:$p){id}}", {"p" => "1"}, nil],
  ["query($p:Int){products(page:$p){id}}", {"p" => 1.0}, nil],
  ["query($p:Int){products(page:$p){id}}", {"p" => 99999999999}, nil],
  ["query($p:Int){products(page:$p){id}}", {"p" => nil}, nil],
  ["query($p:Int!){products(page:$p){id}}", {"p" => nil}, nil],
  ["query($p:Int=2){products(page:$p){id}}", {}, nil],
  ["query($q:String){products(query:$q){id}}", {"q" => 1}, nil],
  ["query($q:ID){products(query:$q){id}}", {"q" => "1"}, nil],
  ["query($id:ID){product(id:$id){id}}", {"id" => "1"}, nil],
  ["query($id:ID=1){product(id:$id){id}}", {}, nil],
  ["query($id:ID!){cart{count}}", {"id" => "1"}, nil],
  ["{product(id:$id){id}}", {}, nil],
  ["query($id:Foo){product(id:$id){id}}", {}, nil],
  ["query($id:ProductType){product(id:$id){id}}", {}, nil],
  ["query($id:Product){product(id:$id){id}}", {}, nil],
  ["query A{cart{count}} query B{cart{total}}", {}, nil],
  ["query A{cart{count}} query B{cart{total}}", {}, "B"],
  ["query A{cart{count}} query B{cart{total}}", {}, "C"],
  ["query A{cart{count}}", {}, "C"],
  ["query A{cart{count}}", {}, ""],
  ["{cart{count}}", {}, "C"],
  ["{cart}", {}, nil],
  ["{cart{count{x}}}", {}, nil],
  ["{cart{lines}}", {}, nil],
  ["{cart{lines{variant}}}", {}, nil],
  ["{cart{}}", {}, nil],
  ["{}", {}, nil],
  ["", {}, nil],
  ["   ", {}, nil],
  ["{ cart { count }", {}, nil],
  ["{ cart { count } } }", {}, nil],
  ["query { cart { count ", {}, nil],
  ["{ cart(x:1) { count } }", {}, nil],
  ["{ ...F } fragment F on Query { cart { count } }", {}, nil],
  ["{ ...F }", {}, nil],
  ["{ cart{count} } fragment F on Query { cart { count } }", {}, nil],
  ["{ ...F } fragment F on Nope { cart { count } }", {}, nil],
  ["{ ... on Cart { count } }", {}, nil],
  ["{ ... on Query { cart{count} } ... {cart{total}} }", {}, nil],
  ["{ __typename cart { __typename } }", {}, nil],
  ["{ cart @include(if:false) { count } product(id:1) @skip(if:false) {id}}", {}, nil],
  ["{ cart @include { count } }", {}, nil],
  ["{ cart @include(if:1) { count } }", {}, nil],
  ["query($b:Boolean!){ cart @include(if:$b) { count } product(id:1) @skip(if:$b) {id}}", {"b" => false}, nil],
  ["mutation{addToCart(variantId:1,quantity:2){count}}", {}, nil],
  ["mutation{addToCart(variantId:2,quantity:2){count}}", {}, nil],
  ["mutation{addToCart(variantId:1,quantity:0){count}}", {}, nil],
  ["mutation{a:addToCart(variantId:1){count} b:addToCart(variantId:1,quantity:0){count}}", {}, nil],
  ["mutation{addToCart(variantId:1,quantity:null){count}}", {}, nil],
  ["mutation($q:Int){addToCart(variantId:1,quantity:$q){count}}", {"q" => nil}, nil],
  ["mutation($q:Int){addToCart(variantId:1,quantity:$q){count}}", {}, nil],
  ["{ products { id, \# c\n name } }", {}, nil],
  ["{ product(id:\"a\\\"b\") { id } }", {}, nil],
  ["{ product(id:1) { related { related { related { related { related { related { related { related { related { id } } } } } } } } } } }", {}, nil],
  ["{ product(id:1) { related { related { related { related { related { related { related { related { id } } } } } } } } } }", {}, nil],
  ["{ product(id:1) { id name slug subtitle description price currency category brand tags rating inStock listedAt variants { id sku title price stock } related { id } } }", {}, nil],
  ["{ products(page:99999999999) { id } }", {}, nil],
  ["{ products(page:-1) { id } }", {}, nil],
  ["{ cart { count }; }", {}, nil],
  ["query query { cart { count } }", {}, nil],
  ["{ product(id:1){ id: name } }", {}, nil],
  ["{ product(id: \"1\") { variants(first:1) { id } } }", {}, nil],
  ["{ cart { nope } product { nah } }", {}, nil],
  ["query($a:Int,$b:Int){cart{count}}", {}, nil],
  ["{product(id:\"\"){id}}", {}, nil],
  ["{ cart { count } cart { total } }", {}, nil],
  ["{ cart { total count } ...F } fragment F on Query { cart { lines{id} count } }", {}, nil],
  ["mutation{a:addToCart(variantId:1,quantity:1){count} b:addToCart(variantId:1,quantity:1){count}}", {}, nil],
  ["mutation{a:addToCart(variantId:1,quantity:0){count} b:addToCart(variantId:1,quantity:1){count} c:addToCart(variantId:2){count}}", {}, nil],
  ["query($q:String){products(query:$q){id}}", {"q" => 5.25}, nil],
  ["query($p:Int){products(page:$p){id}}", {"p" => "a<b>é"}, nil],
  ["query($p:Int){products(page:$p){id}}", {"p" => "a\"b\n"}, nil],
  ["{ ...F ...G } fragment F on Query { cart {nope} }", {}, nil],
  ["{ ...F cart {bad} } fragment F on Query { cart {nope} } fragment H on Cart { count }", {}, nil],
  ["query A($x:Int){ ...F cart {bad} } fragment F on Query { products(page:$y) {id} }", {}, nil],
  ["query A($x:Int){ ...F cart {bad} ...G } fragment F on Query { products(page:$y) {id} }", {}, nil],
  ["query($p:Foo){products(page:$p){id}}", {}, nil],
  ["query($p:[Int]){products(page:$p){id}}", {}, nil],
  ["query($p:[Int!]!){products(page:$p){id}}", {}, nil],
  ["query($p:Int){product(id:$p){id}}", {}, nil],
  ["query A($p:Int,$z:Int){product(id:$p){id}}", {}, nil],
  ["query A($z:Int){cart{count}} query B {cart{bad}}", {}, nil],
  ["query A($z:Int){cart{count}} query B {cart{bad}}", {}, "B"],
  ["{ product(idd:1,id:true) { foo } }", {}, nil],
  ["{ product(idd:1) { foo } }", {}, nil],
  ["{ a:product(idd:1) { foo b } }", {}, nil],
  ["query Q { a:cart }", {}, nil],
  ["query Q { a:cart { lines { nope { x } } } }", {}, nil],
  ["{ cart { ...F } } fragment F on Query { cart { count } }", {}, nil],
  ["{ ... on Nope { x } cart { y }}", {}, nil],
  ["{ ... { cart { y }} }", {}, nil],
  ["{ ... on Query { cart { y }} }", {}, nil],
  ["{ cart { ... on Cart { y }} }", {}, nil],
  ["query Q{ ...F } fragment F on Query { ...G } fragment G on Query { cart { y } }", {}, nil],
  ["{ cart { count { a b c } } }", {}, nil],
  ["{ cart { lines { } } }", {}, nil],
  ["query Q($a: Int, { cart { count } }", {}, nil],
  ["query Q($a Int) { cart { count } }", {}, nil],
  ["query Q { product(id) { id } }", {}, nil],
  ["query Q { product(id: ) { id } }", {}, nil],
  ["query Q { product() { id } }", {}, nil],
  ["{ cart { count } } foo", {}, nil],
  ["foo { cart }", {}, nil],
  ["query Q { cart { count @include(if: true) total } }", {}, nil],
  ["{ cart { on } }", {}, nil],
  ["{ ... on { cart } }", {}, nil],
  ["{ null }", {}, nil],
  ["{ cart { extend } }", {}, nil],
  ["{ a: }", {}, nil],
  ["{ product(id: $) { id } }", {}, nil],
  ["\# nothing", {}, nil],
  ["{ cart { count . } }", {}, nil],
  ["query Q($a: Int = $b) { cart { count } }", {}, nil],
  ["{ cart { 12 } }", {}, nil],
  ["{ cart { \"abc\" } }", {}, nil],
  ["{ cart { total }\r\n\tcart { nope } }", {}, nil],
  ["{ products(query: \"\\u0041\\n\") { nope } }", {}, nil],
  ["query($p:Int=null){products(page:$p){id}}", {}, nil],
  ["query($p:Int!){products(page:$p){id}}", {"p" => 3}, nil],
  ["query($p:Int!,$q:String!){products(page:$p,query:$q){id}}", {}, nil],
  ["query($b:Boolean!){cart{count @skip(if:$b)}}", {"b" => "true"}, nil],
  ["query($b:Boolean){cart{count @skip(if:$b)}}", {"b" => true}, nil],
  ["query($f:Float){cart{count}}", {"f" => "true"}, nil],
  ["{ cart @skip(if:true) @include(if:false) { count } }", {}, nil],
  ["{ cart @skip { count } }", {}, nil],
  ["{ cart { count @skip(if:true) } }", {}, nil],
  ["query($id:ID!){product(id:$id){id}}", {"id" => false}, nil],
  ["query($b:Boolean!){cart{count @skip(if:$b)}}", {"b" => 1}, nil],
  ["query($b:Boolean!){cart{count @skip(if:$b)}}", {"b" => nil}, nil],
  ["query($i:ID!,$p:Int){product(id:$i){id} products(page:$p){id}}", {"i" => nil, "p" => "x"}, nil],
  ["query($p:ISO8601DateTime){products(page:$p){id}}", {}, nil],
  ["query($p:Money){products(page:$p){id}}", {}, nil],
  ["query($p:Cart){products(page:$p){id}}", {}, nil],
  ["query Q { cart { __typename count } __typename }", {}, nil],
  ["mutation { __typename }", {}, nil],
  ["mutation { cart { count } }", {}, nil],
  ["mutation { addToCart { count } }", {}, nil],
  ["mutation { addToCart(variantId: 1) }", {}, nil],
  ["mutation M { addToCart(variantId: 1, quantity: \"2\") { nope } }", {}, nil],
  ["{ cart { lines { id quantity total variant { id sku title price stock nope } } } }", {}, nil],
  ["{ product(id: 1) { ...P } } fragment P on Product { id variants { ...V } } fragment V on Variant { sku }", {}, nil],
  ["{ product(id: 1) { id related(limit: 3) { id } } }", {}, nil],
  ["{ product(id: 1, x: 2, y: 3) { id } }", {}, nil],
  ["{ products(query: \"a\", page: \"2\") { id } }", {}, nil],
  ["{ products(query: 1, page: \"2\") { id } }", {}, nil],
  ["{ products(page: 2147483648) { id } }", {}, nil],
  ["{ products(page: -2147483648) { id } }", {}, nil],
  ["{ products(page: 1e3) { id } }", {}, nil],
  ["{ products(page: true) { id } }", {}, nil],
  ["{ products(page: FOO) { id } }", {}, nil],
  ["{ products(page: $p, query: $q) { id } }", {}, nil],
  ["{ products(page: $p) { id } a: products(page: $p) { id } }", {}, nil],
  ["query ($a: Int) { cart { count } }", {}, nil],
  ["query Q ($a: Int, $b: Int) { products(page: $a) { id } }", {"a" => 1, "b" => "x"}, nil],
].freeze

# What Rust leaves to Rails.
LEFT = [
  ["{ product(id:[1]){id} }", {}, nil],
  ["{ product(id:{a:1}){id} }", {}, nil],
  ["query($id:ID!){product(id:$id){id}}", {"id" => [1]}, nil],
  ["query($id:ID!){product(id:$id){id}}", {"id" => {"a" => 1}}, nil],
  ["query A{cart{count}} query A{cart{total}}", {}, "A"],
  ["{cart{count}} {cart{total}}", {}, nil],
  ["{cart{count}} query A{cart{total}}", {}, nil],
  ["{ cart { count: total count } }", {}, nil],
  ["{ a:product(id:1){id} a:product(id:2){id} }", {}, nil],
  ["{ ...F } fragment F on Query { ...F }", {}, nil],
  ["{ cart @nope { count } }", {}, nil],
  ["subscription{cart{count}}", {}, nil],
  ["{ __schema { types { name } } }", {}, nil],
  ["{ __type(name:\"Cart\") { name } }", {}, nil],
  ["type A { b: Int }", {}, nil],
  ["{ product(id:99999999999999999999) { id } }", {}, nil],
  ["{ product(id:1,id:2) { id } }", {}, nil],
  ["{ é }", {}, nil],
  ["query($a:Int,$a:Int){products(page:$a){id}}", {}, nil],
  ["{ products(page:1){id} products(page:2){name} }", {}, nil],
  ["fragment F on Query { cart {count} }", {}, nil],
  ["{ cart { count } } \"x\"", {}, nil],
  ["{ cart { count } } query { cart { count } }", {}, nil],
  ["subscription { cart { count } }", {}, nil],
  ["{ products(query: \"\"\"a\"\"\") { id } }", {}, nil],
  ["{ products(query: \"\\ud800\") { id } }", {}, nil],
  ["{ products(query: \"\\q\") { id } }", {}, nil],
  ["{ products(query: \"a) { id } }", {}, nil],
  ["{ cart { count } } \#é\n é", {}, nil],
  ["{ ... on Money { x } }", {}, nil],
  ["query Q @skip(if: true) { cart { count } }", {}, nil],
  ["query($p:Int!=1){products(page:$p){id}}", {}, nil],
  ["query($p:Int=\"a\"){products(page:$p){id}}", {}, nil],
  ["{ cart { count { ... on Cart { count } } } }", {}, nil],
  ["{ ...A ...B }", {}, nil],
  ["{ cart { count } } fragment A on Query { ...B } fragment B on Query { cart { count } }", {}, nil],
  ["{ products(page: 01) { id } }", {}, nil],
  ["{ products(page: 1-2) { id } }", {}, nil],
  ["{ products(query: \"a\\\"b\", page: \"a\\\"b\") { id } }", {}, nil],
  ["fragment on Query { cart { count } } { cart { count } }", {}, nil],
].freeze

def vectors
  { told: TOLD.map { |it| [it, said(*it)] }, left: LEFT }
end
