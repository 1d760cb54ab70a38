// One node of a tape engine as its hosts and operators see it: a tapewarden-taped with [engine] on a free
// port, a host's iSCSI session to its library, and people at its REST. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/test_site.h"
#include "taped/taped_process.h"

namespace tapewarden::testing {

// Bytes that no program can compress, the same for the same seed.
Bytes noise(std::size_t bytes, std::uint64_t seed);

class EngineNode {
 public:
  static constexpr std::size_t kBlock = 256U << 10;  // of what the host writes

  // Of a site whose taped.toml has [engine]. Nothing runs yet.
  static Result<std::unique_ptr<EngineNode>> of_site(TestSite& site);
  // Starts, and the host logs in.
  Status start();
  Status stop();  // kInternal unless it exits with 0
  void kill_hard();
  TapedProcess& taped() { return *taped_; }
  std::string log() const { return taped_->log(); }

  // "operator", "officer-1".
  RestClient& as(const std::string& person) { return *people_.at(person); }
  // What an operator is shown.
  Result<json::value> look(const std::string& target) { return as("operator").get(target); }
  // One text of what is shown there; the error's text otherwise.
  std::string text(const std::string& target, std::string_view field);
  std::string residence(const std::string& volser) { return text("/v1/volumes/" + volser, "residence"); }
  // The field of each of the items.
  std::vector<std::string> column(const std::string& target, std::string_view field);
  // Of open interventions.
  std::vector<std::string> interventions() { return column("/v1/interventions", "code"); }
  // Says a pool's settings as a security officer.
  Status set_pool(int pool, const json::object& settings);
  Status insert_volumes(const std::string& volsers, const json::object& more = {});
  Status insert_cartridges(const std::string& barcodes, int pool);

  Initiator& host() { return *host_; }
  // The changer brings the volume into the drive with that LUN, or back to its slot.
  Status load(const std::string& volser, unsigned lun = 1);
  Status unload(const std::string& volser, unsigned lun = 1);
  // TEST UNIT READY: 00/00/00 when it is.
  scsi::SenseCode readiness(unsigned lun = 1);
  Status wait_until_ready(unsigned lun = 1);
  // Of the volume in the drive: from its beginning, with a filemark behind it; and all of it again.
  Status write(ByteView data, unsigned lun = 1);
  Result<Bytes> read(std::size_t bytes, unsigned lun = 1);

  // As a host's job does it: mount, work, unmount.
  Status save(const std::string& volser, ByteView data);
  Result<Bytes> restore(const std::string& volser, std::size_t bytes);
  // Both copies that are due lie on cartridges.
  Status wait_until_copied(const std::string& volser);
  // Two hosts' mounts that leave no room for these in the cache.
  Status evict(const std::vector<std::string>& volsers);

 private:
  EngineNode() = default;
  Result<std::uint16_t> element(const std::string& volser);
  Result<bool> move(std::uint16_t from, std::uint16_t to);

  TestSite* site_ = nullptr;
  std::unique_ptr<TapedProcess> taped_;
  std::map<std::string, std::unique_ptr<RestClient>> people_;
  std::unique_ptr<Initiator> host_;
  std::map<std::string, std::uint16_t> elements_;  // where a volume came from
};

}  // namespace tapewarden::testing
