// `tapewarden-taped accept-cache-loss` (feature row T5): what it means that the tape engine's cache, or a
// file in it, is lost for good, and the operator's word that it is so. For an engine that does not run.
#pragma once

#include <string>

#include "apps/taped_config.h"
#include "engine/residence/cache_loss.h"

namespace tapewarden::apps {

struct ToldCacheLoss {
  engine::CacheLoss loss;
  bool accepted = false;
};

// Looks, and with `folder` accepts what it finds. `folder`: the cache's folder as the configuration names it,
// to be said again; empty: nothing is changed. kInvalidArgument for another folder; kConflict while the
// engine runs; kNotFound without a catalogue; errors of disk and catalogue.
Result<ToldCacheLoss> accept_cache_loss(Env env, const TapedConfig& config, const std::string& folder);

// For people. Pure.
std::string text_of(const ToldCacheLoss& told);

}  // namespace tapewarden::apps
