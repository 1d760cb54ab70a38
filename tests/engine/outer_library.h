// A tapewarden-taped without an engine, in a process of its own, whose library a site's engine has behind it
// over iSCSI: it can be switched off, killed and started again. Not thread-safe.
#pragma once

#include <memory>
#include <optional>

#include "harness/test_site.h"

namespace tapewarden::testing {

class OuterLibrary {
 public:
  static constexpr auto kName = "OUTER";
  static constexpr auto kDrive = "TWOUTER001";  // LTO, its keys are its host's matter

  // A library with that drive, which the site's drive table knows, and empty cartridges of a gigabyte. It
  // runs, and is a back end in the site's taped.toml, which the engine has not read yet. REQUIRES: the key
  // servers run; [engine] is there.
  static Result<std::unique_ptr<OuterLibrary>> beside(TestSite& site, const std::string& barcodes);

  Status start();
  void kill_hard();  // SIGKILL
  // Its drive at its panel: "on" or "off".
  Status power(const std::string& wanted);
  std::string output() const { return process_ ? process_->output() : ""; }

 private:
  explicit OuterLibrary(TestSite& site) : site_(site) {}
  Status configure(std::uint16_t iscsi_port, std::uint16_t https_port);
  Status make_drive();
  Status make_cartridges(const std::string& barcodes);
  std::string config_path() const { return site_.path("engine/outer.toml"); }
  Result<std::string> tapewarden(std::vector<std::string> arguments);

  TestSite& site_;
  std::unique_ptr<RestClient> panel_;
  std::optional<Process> process_;
};

}  // namespace tapewarden::testing
