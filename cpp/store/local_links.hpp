// Symbolic links between files of this machine, and what else is no object.
#pragma once

#include <string>

#include "scabbard/error.hpp"

namespace scabbard {

/// Whether it is a symbolic link to something that exists.
bool is_link_somewhere(const std::string& path);

/// Whether it is a folder, and no link to one.
bool is_folder(const std::string& path);

/// Removes what is neither file nor folder: a link (and not what it leads to), a pipe, a device.
Result<void> remove_other(const std::string& path);

/// Whether two paths are one entry of one folder, by whatever links lead to that.
bool is_same_name(const std::string& a, const std::string& b);

/// Whether they are one file or folder.
bool is_same_file(const std::string& a, const std::string& b);

/// Whether one is a folder in which the other lies, by whatever links and mounts.
bool contain_each_other(const std::string& a, const std::string& b);

/// Makes `path` a symbolic link to `target`, in the place of a file or a whole folder; folders above it are made. On
/// disk when it returns. What a process that died at it has left goes when the same path is linked again; no other
/// thread may do that meanwhile.
Result<void> replace_by_link(const std::string& target, const std::string& path);

}  // namespace scabbard
