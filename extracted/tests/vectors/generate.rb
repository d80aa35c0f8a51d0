# Asks the real gems what they make of inputs, and prints it as JSON: what the Rust code must make of
# them too. Each section has a file of inputs, and one of what came out beside this one:
#
#   ruby generate.rb params > params.json
#
# tests/e2e/vectors.rs does so with the installed gems, and fails when a file is not what they say.
require "json"
require_relative "sections/#{ARGV.fetch(0)}"

# A line for each vector, so that a change can be read.
def lines(group)
  opening, closing, members =
    case group
    when Hash then ["{", "}", group.map { |name, it| "#{JSON.generate(name)}: #{JSON.generate(it)}" }]
    when Array then ["[", "]", group.map { |it| JSON.generate(it) }]
    end
  "#{opening}\n#{members.map { |it| "    #{it}" }.join(",\n")}\n  #{closing}"
end

groups = vectors.map { |name, group| "  #{JSON.generate(name)}: #{lines(group)}" }
puts "{\n#{groups.join(",\n")}\n}"
