// The command line as data: what every command is called, what it takes and what it does. The parser, the
// help, the completion and the page in docs/ read the same table. Values.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace tapewarden::cli {

class Context;

enum class ArgumentKind : std::uint8_t {
  kText,
  kInteger,
  kFlag,        // no value
  kList,        // may be given several times
  kTextFile,    // a path; the file's text is the value
  kBinaryFile,  // a path; the file's bytes are the value
  kSecret,      // asked for at the terminal, or read from the path given by NAME-file
};

struct ArgumentSpec {
  std::string_view name{};  // "SERIAL": by its place; "--kind": an option
  ArgumentKind kind = ArgumentKind::kText;
  bool required = false;
  // The request's field; empty: it stays here and is known by its name.
  std::string_view field{};
  std::string_view meaning{};
  bool ask_twice = false;  // of a new secret
  // The only texts that it takes; empty: any. For one that goes into the path, where another text would be
  // another path and the server could not tell what is wrong with it. The server checks all others.
  std::vector<std::string_view> words{};

  bool is_option() const { return name.starts_with("--"); }
  std::string_view key() const { return field.empty() ? name : field; }
};

// What was given: the texts of each argument by its key(); a flag that was given has one text, "true".
class Values {
 public:
  void add(std::string_view key, std::string text) { texts_[std::string(key)].push_back(std::move(text)); }
  bool has(std::string_view key) const { return texts_.contains(key); }
  // The first text, or `otherwise`.
  std::string text(std::string_view key, std::string_view otherwise = {}) const;
  std::vector<std::string> list(std::string_view key) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> texts_;
};

// One request to the server. Arguments whose field stands in braces in the path go there, those of a GET into
// the query, all others into the JSON body.
struct RestCall {
  std::string_view method{};
  std::string_view path{};
  // Of a list (GET): a table with these; empty: an object. Of another method's answer: its `items` as a table
  // with these below the other members, or of an object without items these members alone.
  std::vector<std::string_view> columns{};
  // Printed alone, as it is: "text", "certificate.pem".
  std::string_view text_member{};
  // Base64 that goes decoded into the file named by --output.
  std::string_view file_member{};
  std::vector<std::pair<std::string_view, bool>> constants{};  // added to the body
  // kEngineServer: the tape engine. Empty: a key server; with --site the primary, unless --server names
  // another.
  std::string_view server{};
  // Both daemons answer it: the tape engine where --server names it or it has the only login, else a key
  // server.
  bool either = false;
};

// The tape engine of a site, where --server or a RestCall names it.
inline constexpr std::string_view kEngineServer = "engine";

using Action = std::function<Status(Context&, const Values&)>;

struct Command {
  std::string_view noun{};
  std::string_view verb{};  // empty: the noun alone is the command
  std::string_view summary{};
  std::string_view example{};  // a whole command line
  std::vector<ArgumentSpec> arguments{};
  std::variant<RestCall, Action> does{};
};

// "drive-table add"
std::string title_of(const Command& command);

}  // namespace tapewarden::cli
