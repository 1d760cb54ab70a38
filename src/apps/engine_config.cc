#include "apps/engine_config.h"

#include <algorithm>

#include "base/text.h"
#include "engine/operator/limits.h"
#include "tape/transport/iscsi_url.h"

namespace tapewarden::apps {
namespace {

using config::Section;

constexpr std::uint64_t kMebibyte = 1U << 20;
constexpr std::uint64_t kMostDrives = 256;
constexpr std::size_t kMaxUrl = 2048;

Result<std::uint64_t> read_volume_size(Section& section) {
  std::string sizes;
  for (const auto size : engine::kVolumeSizesMib) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  const auto size = TRY(section.number("volume_size", 1, std::ranges::max(engine::kVolumeSizesMib),
                                       engine::kDefaultVolumeSizeMib));
  if (std::ranges::find(engine::kVolumeSizesMib, size) == engine::kVolumeSizesMib.end())
    return section.wrong("volume_size", "write one of " + sizes + " (MiB)");
  return size * kMebibyte;
}

Status read_windows(Section& section, TapeEngineConfig& config) {
  for (const auto& text : TRY(section.texts("no_reclaim"))) {
    const auto windows = parse_reclaim_windows(text);
    if (!windows) return section.wrong("no_reclaim", windows.error().remedy);
    config.reclaim.inhibited.insert(config.reclaim.inhibited.end(), windows->begin(), windows->end());
  }
  if (const auto good = config.reclaim.check(); !good)
    return section.wrong("no_reclaim", "write fewer windows: " + good.error().message);
  return {};
}

Status read_tellings(Section& section, TapeEngineConfig& config) {
  const auto url = TRY(section.text("webhook", ""));
  const auto authorities = TRY(section.path("webhook_authorities", ""));
  if (!url.empty()) {
    auto webhook = parse_webhook(url);
    if (!webhook) return section.wrong("webhook", webhook.error().remedy);
    if (authorities.empty())
      return section.wrong(
          "webhook_authorities",
          "name the PEM file of the authorities that the webhook's certificate may come from");
    webhook->authorities = authorities;
    config.webhook = *std::move(webhook);
  } else if (!authorities.empty()) {
    return section.wrong("webhook", "say where the notices go, or take webhook_authorities away");
  }
  const auto syslog = TRY(section.text("syslog", ""));
  if (syslog.empty()) return {};
  const auto target = net::parse_syslog_target(syslog);
  if (!target) return section.wrong("syslog", target.error().remedy);
  config.syslog = *target;
  return {};
}

// URLs are this program's to understand; the component that reads the section knows no network.
Status check_urls(Section& section, const std::vector<tape::BackEndSpec>& specs) {
  for (const auto& spec : specs) {
    if (spec.kind != tape::BackEndKind::kIscsi) continue;
    auto urls = std::vector{spec.changer};
    for (const auto& drive : spec.drives) urls.push_back(drive.device);
    for (const auto& text : urls)
      if (const auto url = tape::parse_iscsi_url(text); !url)
        return section.wrong(
            "back_end", spec.name + ": " + url.error().message + " in " + text + ": " + url.error().remedy);
  }
  return {};
}

// A blank volume is made when a host's drive asks for it, and must fit every one of them.
Status check_one_kind(Section& section, const tape::LibrarySpec& library) {
  const auto kind = library.drives.front().kind;
  const auto other = [kind](const tape::LibraryDrive& drive) { return drive.kind != kind; };
  if (std::ranges::none_of(library.drives, other)) return {};
  return section.wrong("back_end",
                       "let all drives of [library] be LTO, or all 3592: every logical volume must "
                       "fit each of them");
}

// The hosts' library and those of the engine are different things.
Status check_apart(Section& section, const TapeEngineConfig& config, const tape::LibrarySpec& library) {
  for (const auto& spec : config.back_ends) {
    if (spec.kind == tape::BackEndKind::kVirtual && spec.library.folder == library.folder)
      return section.wrong("back_end", spec.name + ": give it a folder of its own, not that of [library]");
    for (const auto& serial : spec.serials())
      if (std::ranges::find(library.drives, serial, &tape::LibraryDrive::serial) != library.drives.end())
        return section.wrong("back_end", spec.name + ": the serial " + serial +
                                             " is that of a drive in [library]: write another");
  }
  if (config.cache == config.data || config.cache == library.folder)
    return section.wrong("cache", "give the cache a folder of its own");
  return {};
}

}  // namespace

Result<WebhookConfig> parse_webhook(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  const auto wrong = [] {
    return fail(ErrorCode::kInvalidArgument, "this is no URL of a webhook", "webhook",
                "write https://host[:port]/path");
  };
  if (!url.starts_with(kScheme) || url.size() > kMaxUrl || !is_printable(url) ||
      url.find_first_of(" @#") != std::string_view::npos)
    return wrong();
  url.remove_prefix(kScheme.size());
  const auto slash = std::min(url.find('/'), url.size());
  auto authority = url.substr(0, slash);
  WebhookConfig webhook;
  if (slash < url.size()) webhook.target = url.substr(slash);
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  if (has_port) {
    const auto port = parse_number(authority.substr(colon + 1), 1, 65535, "webhook");
    if (!port) return wrong();
    webhook.port = static_cast<std::uint16_t>(*port);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  if (authority.empty() || authority.find_first_of("[]") != std::string_view::npos) return wrong();
  webhook.host = authority;
  return webhook;
}

Result<std::optional<TapeEngineConfig>> read_tape_engine(Section section, const tape::LibrarySpec& library) {
  if (!section.present()) return std::nullopt;
  TapeEngineConfig config;
  config.data = TRY(section.path("data"));
  if (config.data.empty()) return section.wrong("data", "name the folder of the engine's catalogue");
  config.cache = TRY(section.path("cache"));
  if (config.cache.empty()) return section.wrong("cache", "name the folder of the cache");
  config.cache_bytes = TRY(section.size("cache_limit", kSmallestCache, kLargestCache));
  config.volume_bytes = TRY(read_volume_size(section));
  if (config.cache_bytes < 2 * config.volume_bytes)
    return section.wrong("cache_limit", "write at least twice the size of a logical volume");
  config.reserve_bytes =
      TRY(section.size("catalogue_reserve", kSmallestReserve, kLargestReserve, kDefaultReserve));
  config.key_servers = TRY(section.path("key_servers", ""));
  config.bulk_requests = TRY(section.flag("bulk_requests", true));
  config.minimum_encrypting_drives = TRY(section.number("minimum_encrypting_drives", 0, kMostDrives, 0));
  if (config.minimum_encrypting_drives != 0 && config.key_servers.empty())
    return section.wrong("key_servers", "name the engine.toml that says where the key servers are");
  TRY(read_windows(section, config));
  TRY(read_tellings(section, config));
  config.back_ends = TRY(tape::read_back_ends(section));
  if (config.back_ends.empty())
    return section.wrong("back_end", "write at least one [[engine.back_end]]: a library behind the cache");
  TRY(check_urls(section, config.back_ends));
  TRY(check_one_kind(section, library));
  TRY(check_apart(section, config, library));
  TRY(section.no_others());
  return config;
}

}  // namespace tapewarden::apps
