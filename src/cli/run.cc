#include "cli/run.h"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

#include "base/real_env.h"
#include "cli/exit_code.h"
#include "cli/nouns.h"
#include "cli/parser.h"
#include "cli/rest_command.h"
#include "cli/terminal.h"
#include "crypto/random.h"

namespace tapewarden::cli {
namespace {

constexpr std::size_t kSecureHeapBytes = 1U << 18;
constexpr std::size_t kPathLimit = 4096;

int report(std::ostream& err, const Error& error) {
  err << "tapewarden: " << error.message << '\n';
  if (!error.field.empty()) err << "  field:  " << error.field << '\n';
  if (!error.remedy.empty()) err << "  remedy: " << error.remedy << '\n';
  return static_cast<int>(exit_code_of(error));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string config_directory() {
  const std::string base = variable("XDG_CONFIG_HOME");
  return (base.empty() ? variable("HOME") + "/.config" : base) + "/tapewarden";
}

// A daemon's program beside this one, else the one on the search path.
std::string program_beside(const std::string& name) {
  std::string path(kPathLimit, '\0');
  const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size > 0) {
    path.resize(static_cast<std::size_t>(size));
    const std::string beside = parent_directory(path) + "/" + name;
    if (::access(beside.c_str(), X_OK) == 0) return beside;
  }
  return name;
}

// Becomes that program; comes back only with an error.
Error become(const std::string& name, const std::vector<std::string>& words) {
  std::vector<std::string> owned{program_beside(name)};
  owned.insert(owned.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (auto& word : owned) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  return {ErrorCode::kNotFound, "cannot run " + owned.front(), "",
          "install " + name + " beside tapewarden, or on the search path"};
}

}  // namespace

Result<std::vector<std::string>> site_words(const std::vector<std::string>& words) {
  std::vector<std::string> out(words);
  if (!out.empty() && out.front() == "init") {
    out.front() = "site-init";
    return out;
  }
  if (!out.empty() && out.front() == "renew") {
    out.front() = "site-renew";
    return out;
  }
  if (!out.empty() && out.front() == "check") return out;
  if (!out.empty() && out.front() == "verify-audit") {
    out.front() = "verify";
    out.insert(out.begin(), "audit");
    return out;
  }
  return fail(
      ErrorCode::kInvalidArgument, "a site has no such verb", "site",
      "use: tapewarden site init DIR, tapewarden site renew DIR, tapewarden site check --config FILE, or "
      "tapewarden site verify-audit PATH");
}

Result<std::vector<std::string>> catalogue_words(const std::vector<std::string>& words) {
  if (words.empty() || words.front() != "rebuild")
    return fail(ErrorCode::kInvalidArgument, "a catalogue has no such verb", "catalogue",
                "use: tapewarden catalogue rebuild --config FILE");
  std::vector<std::string> out(words);
  out.front() = "catalogue-rebuild";
  return out;
}

int run(Context& context, std::vector<std::string> words) {
  auto parsed = parse_command_line(all_commands(), std::move(words));
  if (!parsed) return report(*context.err, parsed.error());
  if (parsed->command == nullptr) {
    *context.out << parsed->text;
    return static_cast<int>(ExitCode::kDone);
  }
  context.globals = parsed->globals;
  const Command& command = *parsed->command;
  const Status status = std::holds_alternative<RestCall>(command.does)
                            ? run_rest_command(context, command, parsed->values)
                            : std::get<Action>(command.does)(context, parsed->values);
  if (!status) return report(*context.err, status.error());
  return static_cast<int>(ExitCode::kDone);
}

int run(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "site") {
    const auto mapped = site_words({words.begin() + 1, words.end()});
    return report(std::cerr, mapped ? become("tapewarden-keyd", *mapped) : mapped.error());
  }
  if (words.size() > 1 && words.front() == "catalogue" && words[1] == "rebuild") {
    const auto mapped = catalogue_words({words.begin() + 1, words.end()});
    return report(std::cerr, mapped ? become("tapewarden-taped", *mapped) : mapped.error());
  }
  // They work on the server's own files, so its program does them.
  const bool on_files =
      words.size() > 1 && words.front() == "server" && (words[1] == "introduce" || words[1] == "merge-with");
  if (on_files) return report(std::cerr, become("tapewarden-keyd", {words.begin() + 1, words.end()}));
  (void)crypto::harden_process(kSecureHeapBytes);
  (void)std::signal(SIGPIPE, SIG_IGN);
  RealClock clock;
  RealDisk disk;
  crypto::SystemRandom random;
  ThreadPool pool(1);
  Context context;
  context.env = {&clock, &disk, &random, &pool};
  context.out = &std::cout;
  context.err = &std::cerr;
  context.ask_secret = ask_secret_at_terminal;
  if (::isatty(STDERR_FILENO) != 0) context.confirm = confirm_at_terminal;
  context.progress = show_progress;
  context.config_directory = config_directory();
  return run(context, std::move(words));
}

}  // namespace tapewarden::cli
