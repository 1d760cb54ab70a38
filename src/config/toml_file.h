// A configuration file in TOML, read once: typed keys of named sections, and nothing that was not asked for,
// so that a misspelt key is noticed. All errors are kInvalidArgument, name `section.key` and say what to
// write. The only user of the TOML library. Values; not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::config {

inline constexpr std::size_t kFileLimit = 256U << 10;  // bytes of a whole file
inline constexpr std::size_t kTextListLimit = 64;      // texts in one array
inline constexpr std::size_t kTableListLimit = 16;     // tables in one array

// `text` as a TOML string, quotation marks and all. REQUIRES: UTF-8.
std::string quoted(std::string_view text);

class Section;

class TomlFile {
 public:
  // kNotFound and kIo as the disk says; kInvalidArgument naming the line of what is no TOML.
  static Result<TomlFile> read(Disk& disk, const std::string& path);
  TomlFile(TomlFile&&) noexcept;
  TomlFile& operator=(TomlFile&&) noexcept;
  ~TomlFile();

  // [name]; views into this file. One that is missing has no keys.
  Section section(const std::string& name);
  // Every section that section() was not called for is an error. Call it first or last, as the caller likes
  // his errors, but after all calls of section().
  Status no_other_sections() const;

 private:
  friend class Section;
  struct State;
  explicit TomlFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One table. REQUIRES: its file outlives it.
class Section {
 public:
  ~Section();
  Section(Section&&) noexcept;
  Section& operator=(Section&&) = delete;

  bool present() const;
  // [name.inner]; as TomlFile::section().
  Section section(const std::string& inner);
  // Each table of [[name.inner]], in the order of the file; none when it is missing. Errors name them
  // name.inner[1] and so on.
  Result<std::vector<Section>> sections(const std::string& inner);
  // Without `otherwise` the key must be set.
  Result<std::string> text(const std::string& key, std::optional<std::string> otherwise = std::nullopt);
  // A path; a relative one counts from the file's folder. An empty one stays empty.
  Result<std::string> path(const std::string& key, std::optional<std::string> otherwise = std::nullopt);
  Result<std::uint64_t> number(const std::string& key, std::uint64_t low, std::uint64_t high,
                               std::uint64_t otherwise);
  // Bytes: a text such as "18T" or "500G" (base/size_text.h), or a whole number.
  Result<std::uint64_t> size(const std::string& key, std::uint64_t low, std::uint64_t high,
                             std::optional<std::uint64_t> otherwise = std::nullopt);
  Result<bool> flag(const std::string& key, bool otherwise);
  Result<Uuid> uuid(const std::string& key);
  // An array of texts; empty when it is missing.
  Result<std::vector<std::string>> texts(const std::string& key);
  // An error that names this key: for rules that only the caller knows.
  std::unexpected<Error> wrong(const std::string& key, const std::string& remedy) const;
  // Every key that was not asked for is an error.
  Status no_others() const;

 private:
  friend class TomlFile;
  struct State;
  explicit Section(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::config
