#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

#include "arrow_rules.h"

namespace tapewarden::arrows {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<SourceFile> project_sources() {
  const fs::path root = fs::path(TW_SOURCE_DIR) / "src";
  std::vector<SourceFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const auto extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".h" || extension == ".cc"))
      files.push_back({entry.path().lexically_relative(root).generic_string(), read_text(entry.path())});
  }
  return files;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines) all += line + "\n";
  return all;
}

TEST(IncludeArrows, HoldInThisTree) {
  const auto files = project_sources();
  ASSERT_GT(files.size(), 100U) << "the sources were not found";
  const auto broken = broken_rules(files);
  EXPECT_TRUE(broken.empty()) << joined(broken);
}

TEST(IncludeArrows, TheArchitecturePageKnowsEveryFolder) {
  const auto page = read_text(fs::path(TW_SOURCE_DIR) / "docs" / "architecture.md");
  for (const auto& folder : known_folders())
    EXPECT_NE(page.find("`" + folder + "/`"), std::string::npos)
        << folder << "/ is missing in docs/architecture.md";
}

// Each of the following breaks one rule on purpose: a check that cannot fail checks nothing.
struct Case {
  const char* name;
  std::vector<SourceFile> files;
  const char* expected;  // part of the one line; empty: no rule is broken
};

std::vector<Case> cases() {
  return {
      {"allowed", {{"net/a.cc", "#include \"crypto/keys.h\"\n#include <openssl/ssl.h>\n"}}, ""},
      {"upwards", {{"base/a.h", "\n#include \"crypto/keys.h\"\n"}}, "src/base/a.h:2: base may not include"},
      {"sideways", {{"scsi/a.cc", "#include \"crypto/keys.h\"\n"}}, "scsi may not include"},
      {"spaced", {{"scsi/a.cc", "  #  include \"crypto/keys.h\"\n"}}, "scsi may not include"},
      {"commented_out", {{"scsi/a.cc", "// #include \"crypto/keys.h\"\n/*\n#include \"net/x.h\"\n*/\n"}}, ""},
      {"after_block_comment", {{"scsi/a.cc", "/* a\nb */\n#include \"net/x.h\"\n"}}, "src/scsi/a.cc:3:"},
      {"unknown_folder", {{"nowhere/a.cc", ""}}, "does not know"},
      {"no_folder", {{"main.cc", ""}}, "does not know"},
      {"relative", {{"net/a.cc", "#include \"tls.h\"\n"}}, "not named from src/"},
      {"climbing", {{"net/a.cc", "#include \"../net/tls.h\"\n"}}, "not named from src/"},
      {"openssl", {{"keymgr/a.cc", "#include <openssl/evp.h>\n"}}, "may not include <openssl/evp.h>"},
      {"asio", {{"crypto/a.cc", "#include <boost/asio.hpp>\n"}}, "may not include <boost/asio.hpp>"},
      {"beast", {{"admin/http/a.cc", "#include <boost/beast/http.hpp>\n"}}, "may not include <boost/beast"},
      {"sqlite", {{"store/a.cc", "#include <sqlite3.h>\n"}}, "may not include <sqlite3.h>"},
      {"json", {{"scsi/a.cc", "#include <boost/json.hpp>\n"}}, "may not include <boost/json.hpp>"},
      {"fake_in_product", {{"net/a.cc", "#include \"base/testing/sim_env.h\"\n"}}, "is for tests"},
      {"fake_in_test", {{"net/a_test.cc", "#include \"base/testing/sim_env.h\"\n"}}, ""},
      {"fake_of_another", {{"net/testing/a.h", "#include \"people/testing/b.h\"\n"}}, ""},
      {"test_crosses", {{"scsi/a_test.cc", "#include \"keymgr/keys.h\"\n"}}, "scsi may not include"},
      {"leak",
       {{"net/public.h", "#include \"net/inner.h\"\n"},
        {"net/inner.h", "#include <boost/asio.hpp>\n"},
        {"admin/http/a.cc", "#include \"net/public.h\"\n"}},
       "gets <boost/asio…> through \"net/inner.h\""},
      {"memcpy", {{"scsi/a.cc", "void f() {\n  std::memcpy(a, b, 3);\n}\n"}}, "src/scsi/a.cc:2: memcpy"},
      {"memcpy_allowed", {{"base/a.cc", "std::memcpy(a, b, 3);\n"}}, ""},
      {"memcpy_in_comment", {{"scsi/a.cc", "// not memcpy\n"}}, ""},
      {"longer_word", {{"scsi/a.cc", "safe_memcpy_s(a);\n"}}, ""},
      {"cast", {{"tape/medium/a.h", "reinterpret_cast<char*>(x)\n"}}, "reinterpret_cast outside"},
  };
}

TEST(IncludeArrows, EachRuleCanFail) {
  for (const auto& made_up : cases()) {
    const auto broken = broken_rules(made_up.files);
    if (std::string_view(made_up.expected).empty()) {
      EXPECT_TRUE(broken.empty()) << made_up.name << "\n" << joined(broken);
    } else {
      ASSERT_EQ(broken.size(), 1U) << made_up.name << "\n" << joined(broken);
      EXPECT_NE(broken[0].find(made_up.expected), std::string::npos) << made_up.name << ": " << broken[0];
    }
  }
}

TEST(IncludeArrows, CyclesAreNamed) {
  const std::vector<SourceFile> files = {{"base/a.h", "#include \"crypto/b.h\"\n"},
                                         {"crypto/b.h", "#include \"base/a.h\"\n"}};
  EXPECT_NE(joined(broken_rules(files)).find("src/base and src/crypto include each other"),
            std::string::npos);
  const std::vector<SourceFile> round = {{"base/a.h", "#include \"net/c.h\"\n"},
                                         {"crypto/b.h", "#include \"base/a.h\"\n"},
                                         {"net/c.h", "#include \"crypto/b.h\"\n"}};
  EXPECT_NE(joined(broken_rules(round)).find("include each other"), std::string::npos);
}

}  // namespace
}  // namespace tapewarden::arrows
