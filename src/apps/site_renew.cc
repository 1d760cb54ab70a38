#include "apps/site_renew.h"

#include <algorithm>

#include "apps/site_files.h"
#include "base/text.h"

namespace tapewarden::apps {

namespace {

struct Place {
  std::string path;
  RenewedKind kind;
};

std::vector<std::string> entries_of(Disk& disk, const std::string& folder) {
  auto names = disk.list(folder);
  return names ? std::move(*names) : std::vector<std::string>{};
}

// Whether the drive of this folder is an LTO drive: those are spoken for by a proxy, and no identity of
// theirs is pinned.
bool is_lto(Disk& disk, const std::string& drive) {
  const auto text = read_file(disk, drive + "/drive.txt", kPemFileLimit);
  if (!text) return false;
  const auto lines = split(as_text(*text), '\n');
  return std::ranges::find(lines, "kind lto") != lines.end();
}

// Every certificate below the folder that is no authority's and not another server's.
std::vector<Place> find_places(Disk& disk, const std::string& folder) {
  std::vector<Place> candidates{{folder + "/tls/server.crt", RenewedKind::kTls}};
  for (const std::string& name : entries_of(disk, folder)) {
    candidates.push_back({folder + "/" + name + "/tls/server.crt", RenewedKind::kTls});
    candidates.push_back({folder + "/" + name + "/tls/client.crt", RenewedKind::kProxy});
  }
  for (const std::string& name : entries_of(disk, folder + "/people")) {
    candidates.push_back({folder + "/people/" + name + "/client.crt", RenewedKind::kPerson});
  }
  for (const std::string& serial : entries_of(disk, folder + "/engine/drives")) {
    const std::string drive = folder + "/engine/drives/" + serial;
    candidates.push_back(
        {drive + "/identity.pem", is_lto(disk, drive) ? RenewedKind::kTls : RenewedKind::kDrive});
  }
  std::erase_if(candidates, [&](const Place& place) { return !disk.exists(place.path); });
  return candidates;
}

Result<crypto::Certificate> read_certificate(Disk& disk, const std::string& path) {
  const auto pem = TRY(read_file(disk, path, kPemFileLimit));
  auto certificate = crypto::Certificate::from_pem(as_text(pem));
  if (!certificate) return in_context(path, certificate.error());
  return certificate;
}

}  // namespace

Result<RenewReport> renew_site(Env env, const RenewOptions& options) {
  const auto authority = TRY(
      SiteAuthority::load(env, options.authority.empty() ? options.directory + "/ca" : options.authority));
  const auto places = find_places(*env.disk, options.directory);
  if (places.empty()) {
    return fail(ErrorCode::kNotFound, options.directory + " holds no certificate of a site", "DIR",
                "name the folder that `site init` made, or the folder of one server");
  }
  RenewReport report;
  const WallTime limit = env.clock->wall_now() + options.within;
  for (const Place& place : places) {
    const auto old = TRY(read_certificate(*env.disk, place.path));
    if (!options.all && old.not_after() > limit) {
      ++report.kept;
    } else if (!old.signed_by(authority.pair().certificate)) {
      report.foreign.push_back(place.path);
    } else {
      auto renewed = TRY(authority.renew(old));
      TRY(write_public(env, place.path, renewed.pem()));
      report.renewed.push_back({place.path, place.kind, renewed.common_name(), std::move(renewed)});
    }
  }
  for (const std::string& serial : entries_of(*env.disk, options.directory + "/engine/drives")) {
    if (is_lto(*env.disk, options.directory + "/engine/drives/" + serial))
      report.spoken_for.push_back(serial);
  }
  return report;
}

}  // namespace tapewarden::apps
