#include "tools/manual/completion.h"
#include "tools/manual/pages.h"

#include <doctest/doctest.h>

using namespace migscope::tools;

namespace {

OptionDoc made(std::vector<std::string> names, std::string value,
               std::string help) {
  OptionDoc out;
  out.names = std::move(names);
  out.value = std::move(value);
  out.help = std::move(help);
  return out;
}

CommandDoc sample() {
  OptionDoc form = made({"--form"}, "FORM", "How [it] looks: so_or_so");
  form.choices = {"long", "short"};
  form.excludes = {"--flat"};
  OptionDoc often = made({"--often"}, "N", "It's a number");
  often.range = "1 to 9";
  often.preset = "3";
  often.repeats = true;
  OptionDoc output = made({"-o", "--output"}, "FILE", "Where to");
  output.required = true;
  VerbDoc verb{"do", "Do it.", {form, often, output}, {made({}, "PATH", "It")}};
  return {"migscope", {made({"--version"}, "", "Say so")}, {verb}};
}

bool has(const std::string& text, const std::string& part) {
  CAPTURE(text);
  return text.find(part) != text.npos;
}

} // namespace

TEST_CASE("a manual page says all of an option") {
  std::string text = manual_options(sample().verbs[0]);
  CHECK(has(text, "# ARGUMENTS\n\n_PATH_\n\tIt.\n\n# OPTIONS\n"));
  CHECK(has(text, "*--form* *long*\\|*short*\n"
                  "\tHow \\[it\\] looks: so\\_or\\_so. Not with --flat.\n"));
  CHECK(has(text, "*--often* _N_\n\tIt's a number. From 1 to 9. Default: 3. "
                  "May be repeated.\n"));
  CHECK(has(text, "*-o*, *--output* _FILE_\n\tWhere to. Required.\n"));
}

TEST_CASE("the command's page lists its verbs") {
  CHECK(has(manual_verbs(sample()), "*do*\n\tDo it. See *migscope-do*(1).\n"));
}

TEST_CASE("shells are told names, values and what is said of them") {
  std::string bash = bash_completion(sample());
  CHECK(has(bash, "--form) words='long short' ;;"));
  CHECK(has(bash, "--often) compopt +o default; return ;;"));
  CHECK(has(bash, "-o|--output) return ;;"));
  std::string zsh = zsh_completion(sample());
  CHECK(has(zsh, "'(--form --flat)--form[How \\[it\\] looks\\: so_or_so]"
                 ":FORM:(long short)'"));
  CHECK(has(zsh, "'*--often[It'\\''s a number]:N: '"));
  CHECK(has(zsh, "'(-o --output)'{-o,--output}'[Where to]:FILE:_files'"));
  CHECK(has(zsh, "'*:PATH:_files'"));
  std::string fish = fish_completion(sample());
  CHECK(has(fish, "-l form -x -a 'long short' -d 'How [it] looks: so_or_so'"));
  CHECK(has(fish, "-s o -l output -r -F -d 'Where to'"));
  CHECK(has(fish, "-l often -x -d 'It'\\''s a number'"));
}
