// The drives behind the tape engine and its cache, as operators see them and what they do with them (feature
// rows T5, T9). Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "admin/taped/taped_routes.h"
#include "apps/taped_engine.h"

namespace tapewarden::apps {

std::vector<admin::PhysicalDriveView> physical_drives(TapedEngine& engine);

// No work begins with the drive from now on. kNotFound; kConflict: work with it is under way.
Status take_drive_offline(TapedEngine& engine, const std::string& serial, const std::string& reason);
// The drive is asked who it is, and takes part in the work again. Also errors of PhysicalDrive::probe().
Status bring_drive_online(TapedEngine& engine, const std::string& serial);

admin::CacheView cache_use(TapedEngine& engine);

}  // namespace tapewarden::apps
