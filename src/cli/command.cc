#include "cli/command.h"

namespace tapewarden::cli {

std::string Values::text(std::string_view key, std::string_view otherwise) const {
  const auto it = texts_.find(key);
  return std::string(it == texts_.end() || it->second.empty() ? otherwise : it->second.front());
}

std::vector<std::string> Values::list(std::string_view key) const {
  const auto it = texts_.find(key);
  return it == texts_.end() ? std::vector<std::string>{} : it->second;
}

std::string title_of(const Command& command) {
  std::string title(command.noun);
  if (!command.verb.empty()) title += " " + std::string(command.verb);
  return title;
}

}  // namespace tapewarden::cli
