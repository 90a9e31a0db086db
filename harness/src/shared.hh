/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_SHARED_H
#define REVOKE_STRESS_SHARED_H

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace revoke_stress
{

/* Something in memory that processes share which are forked from then on. */
template <typename T> class Shared
{
public:
	Shared()
	{
		void *memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			throw std::system_error{errno, std::generic_category(),
						"memory to be shared"};
		object_ = new (memory) T;
	}
	Shared(const Shared &) = delete;
	Shared &operator=(const Shared &) = delete;
	~Shared()
	{
		object_->~T();
		munmap(object_, sizeof(T));
	}

	T *operator->() const { return object_; }

private:
	T *object_;
};

} // namespace revoke_stress

#endif
