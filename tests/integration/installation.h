// An installation of its own, for tests that need more than one: a pair of key servers as site-init makes it,
// its officers and its drives, by the command line. One thread, but for officer().
#pragma once

#include "integration/tape_site.h"

namespace tapewarden::testing {

// One installation: a pair of key servers, its officers and its drives.
class Installation {
 public:
  Status start() {
    site_ = TRY(TestSite::make());
    return site_->start_both();
  }
  Status stop() {
    TRY(site_->stop(Which::kPrimary));
    return site_->stop(Which::kSecondary);
  }
  TestSite& site() { return *site_; }
  std::string file(const std::string& name) const { return site_->path(name); }

  Result<std::string> tapewarden(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("tapewarden"));
    const auto result = TRY(run_command(arguments, file("tapewarden.log")));
    if (result.end.exit_code == 0) return result.output;
    return fail(ErrorCode::kInternal, result.output);
  }
  Result<std::string> officer(std::vector<std::string> arguments, const std::string& name = "officer-1",
                              Which which = Which::kPrimary) {
    arguments.insert(arguments.end(), {"--site", site_->directory(), "--as", name, "--server",
                                       "https://127.0.0.1:" + std::to_string(site_->https_port(which))});
    return tapewarden(std::move(arguments));
  }
  // Asked for by the first, approved by the second, done by the first.
  Result<std::string> both_officers(std::vector<std::string> arguments) {
    const auto asked = officer(arguments);
    const std::string request = asked ? std::string() : consent_asked_for(asked.error());
    if (request.empty()) return asked;
    (void)TRY(officer({"approval", "approve", request}, "officer-2"));
    arguments.insert(arguments.end(), {"--approval", request});
    return officer(std::move(arguments));
  }
  Status make_drive(const std::string& serial) {
    const std::string folder = site_->directory();
    TRY(tapewarden({"drive", "create", "--site", folder, "--kind", "LTO", "--serial", serial}));
    TRY(tapewarden({"drive", "enrol", "--site", folder, "--serial", serial}));
    TRY(site_->rest(Which::kPrimary).post("/v1/drives/00" + serial + "/accept"));
    return {};
  }
  Status tape(const std::string& verb, const std::string& serial, const std::string& cartridge,
              std::vector<std::string> options) {
    options.insert(options.begin(),
                   {"tape", verb, "--site", site_->directory(), "--drive", serial, "--cartridge", cartridge});
    TRY(tapewarden(std::move(options)));
    return {};
  }
  // A cartridge with these bytes, written with a key of the group.
  Status write_cartridge(const std::string& serial, const std::string& volser, const std::string& group,
                         const std::string& data) {
    TRY(tapewarden({"cartridge", "create", file(volser), "--kind", "LTO", "--volser", volser}));
    return tape("write", serial, file(volser), {"--group", group, "--input", data});
  }
  std::string audit() {
    const auto records = site_->rest(Which::kPrimary).get("/v1/audit?limit=1000");
    return records ? json::serialize(*records) : records.error().text();
  }

 private:
  std::unique_ptr<TestSite> site_;
};

// The digits of "fingerprint: 3f2a …".
inline std::string fingerprint_in(const std::string& output) {
  constexpr std::string_view kBefore = "fingerprint: ";
  const auto at = output.find(kBefore);
  return at == std::string::npos ? "" : output.substr(at + kBefore.size(), 39);
}

// Steps 1 to 3 of sharing keys (K18): the destination's certificate becomes a confirmed partner of the
// source.
inline Status introduce(Installation& source, Installation& destination, const std::string& name) {
  const std::string certificate = destination.file("our-site.pem");
  const auto told = TRY(destination.officer({"partner", "certificate", "--output", certificate}));
  (void)TRY(source.officer({"partner", "import", name, certificate}));
  (void)TRY(source.officer(
      {"partner", "confirm", name, "--fingerprint", fingerprint_in(told), "--read-by", "Anna Huber"}));
  return {};
}

}  // namespace tapewarden::testing
