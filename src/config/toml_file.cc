#include "config/toml_file.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <set>
#include <sstream>
#include <toml++/toml.h>

#include "base/size_text.h"
#include "base/text.h"

namespace tapewarden::config {

struct TomlFile::State {
  std::string path;
  toml::table root;
  std::set<std::string, std::less<>> asked;
};

struct Section::State {
  std::string file;
  std::string folder;
  std::string name;
  const toml::table* table = nullptr;
  std::set<std::string, std::less<>> asked;

  const toml::node* find(const std::string& key) {
    asked.insert(key);
    return table == nullptr ? nullptr : table->get(key);
  }
};

TomlFile::TomlFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
TomlFile::TomlFile(TomlFile&&) noexcept = default;
TomlFile& TomlFile::operator=(TomlFile&&) noexcept = default;
TomlFile::~TomlFile() = default;
Section::Section(std::unique_ptr<State> state) : state_(std::move(state)) {}
Section::Section(Section&&) noexcept = default;
Section::~Section() = default;

std::string quoted(std::string_view text) {
  const toml::value<std::string> value{std::string(text)};
  const auto flags = toml::toml_formatter::default_flags & ~toml::format_flags::allow_literal_strings &
                     ~toml::format_flags::allow_multi_line_strings;
  std::ostringstream out;
  out << toml::toml_formatter(value, flags);
  return std::move(out).str();
}

Result<TomlFile> TomlFile::read(Disk& disk, const std::string& path) {
  const Bytes content = TRY(read_file(disk, path, kFileLimit));
  toml::parse_result parsed = toml::parse(as_text(content));
  if (!parsed) {
    std::ostringstream where;
    where << "line " << parsed.error().source().begin.line;
    return fail(ErrorCode::kInvalidArgument, path + ": " + std::string(parsed.error().description()),
                where.str(), "write it as TOML asks: key = \"text\" below a [section]");
  }
  auto state = std::make_unique<State>();
  state->path = path;
  state->root = std::move(parsed).table();
  return TomlFile(std::move(state));
}

Section TomlFile::section(const std::string& name) {
  state_->asked.insert(name);
  auto section = std::make_unique<Section::State>();
  section->file = state_->path;
  section->folder = parent_directory(state_->path);
  section->name = name;
  section->table = state_->root[name].as_table();
  return Section(std::move(section));
}

Status TomlFile::no_other_sections() const {
  for (const auto& [key, node] : state_->root) {
    const std::string found(key.str());
    if (!state_->asked.contains(found)) {
      return fail(ErrorCode::kInvalidArgument, state_->path + " has an unknown section",
                  escape_unprintable(found), "remove it, or mend its spelling");
    }
    if (!node.is_table()) {
      return fail(ErrorCode::kInvalidArgument, state_->path + " has a fault", escape_unprintable(found),
                  "write it as a section: [" + found + "]");
    }
  }
  return {};
}

Section Section::section(const std::string& inner) {
  const toml::node* node = state_->find(inner);
  auto section = std::make_unique<State>();
  section->file = state_->file;
  section->folder = state_->folder;
  section->name = state_->name + "." + inner;
  section->table = node == nullptr ? nullptr : node->as_table();
  return Section(std::move(section));
}

Result<std::vector<Section>> Section::sections(const std::string& inner) {
  const toml::node* node = state_->find(inner);
  std::vector<Section> out;
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::table) || array->size() > kTableListLimit)
    return wrong(inner, "write [[" + state_->name + "." + inner + "]] above each, at most " +
                            std::to_string(kTableListLimit) + " of them");
  for (const auto& element : *array) {
    auto section = std::make_unique<State>();
    section->file = state_->file;
    section->folder = state_->folder;
    section->name = state_->name + "." + inner + "[" + std::to_string(out.size() + 1) + "]";
    section->table = element.as_table();
    out.push_back(Section(std::move(section)));
  }
  return out;
}

bool Section::present() const {
  return state_->table != nullptr;
}

std::unexpected<Error> Section::wrong(const std::string& key, const std::string& remedy) const {
  return fail(ErrorCode::kInvalidArgument, state_->file + " has a fault",
              state_->name + "." + escape_unprintable(key), remedy);
}

Result<std::string> Section::text(const std::string& key, std::optional<std::string> otherwise) {
  const toml::node* node = state_->find(key);
  if (node == nullptr && otherwise) return *otherwise;
  if (node == nullptr) return wrong(key, "it must be set");
  const auto value = node->value<std::string>();
  if (!node->is_string() || !value) return wrong(key, "give text in quotes");
  return *value;
}

Result<std::string> Section::path(const std::string& key, std::optional<std::string> otherwise) {
  std::string value = TRY(text(key, std::move(otherwise)));
  if (!value.empty() && value.front() != '/') value = state_->folder + "/" + value;
  return value;
}

Result<std::uint64_t> Section::number(const std::string& key, std::uint64_t low, std::uint64_t high,
                                      std::uint64_t otherwise) {
  const toml::node* node = state_->find(key);
  if (node == nullptr) return otherwise;
  const auto value = node->value<std::int64_t>();
  if (!node->is_integer() || !value || *value < 0 || static_cast<std::uint64_t>(*value) < low ||
      static_cast<std::uint64_t>(*value) > high) {
    return wrong(key, "give a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<std::uint64_t>(*value);
}

Result<std::uint64_t> Section::size(const std::string& key, std::uint64_t low, std::uint64_t high,
                                    std::optional<std::uint64_t> otherwise) {
  const toml::node* node = state_->find(key);
  if (node == nullptr && otherwise) return *otherwise;
  if (node == nullptr) return wrong(key, "it must be set");
  const auto fault = [&] {
    return wrong(key, "give a size such as \"500G\", from " + std::to_string(low) + " to " +
                          std::to_string(high) + " bytes");
  };
  if (!node->is_string() && !node->is_integer()) return fault();
  const auto text =
      node->is_string() ? *node->value<std::string>() : std::to_string(*node->value<std::int64_t>());
  const auto bytes = parse_size(text, key);
  if (!bytes || *bytes < low || *bytes > high) return fault();
  return *bytes;
}

Result<bool> Section::flag(const std::string& key, bool otherwise) {
  const toml::node* node = state_->find(key);
  if (node == nullptr) return otherwise;
  const auto value = node->value<bool>();
  if (!node->is_boolean() || !value) return wrong(key, "give true or false");
  return *value;
}

Result<Uuid> Section::uuid(const std::string& key) {
  const auto id = Uuid::parse(TRY(text(key)));
  if (!id) return wrong(key, id.error().remedy);
  return *id;
}

Result<std::vector<std::string>> Section::texts(const std::string& key) {
  const toml::node* node = state_->find(key);
  std::vector<std::string> out;
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr) return wrong(key, "give an array of texts: [\"one\", \"two\"]");
  for (const auto& element : *array) {
    const auto value = element.value<std::string>();
    if (!element.is_string() || !value) return wrong(key, "give an array of texts: [\"one\", \"two\"]");
    out.push_back(*value);
  }
  if (out.size() > kTextListLimit) {
    return wrong(key, "give at most " + std::to_string(kTextListLimit) + " texts");
  }
  return out;
}

Status Section::no_others() const {
  if (state_->table == nullptr) return {};
  for (const auto& [key, node] : *state_->table) {
    const std::string found(key.str());
    if (!state_->asked.contains(found)) return wrong(found, "remove it, or mend its spelling");
  }
  return {};
}

}  // namespace tapewarden::config
