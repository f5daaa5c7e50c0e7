! Fortran: arrays, formatted input and output, files, recursion, derived types, the system's clock and command line.
program features
  implicit none
  type point
    real(8) :: x, y
  end type
  integer, parameter :: n = 200
  real(8), allocatable :: a(:,:), b(:,:), c(:,:)
  type(point) :: corner(3)
  integer :: i, j, unit, ios, lines, value, count1, count2, rate
  character(len=64) :: line
  character(len=:), allocatable :: word
  logical :: there

  allocate(a(n,n), b(n,n), c(n,n))
  do j = 1, n
    do i = 1, n
      a(i,j) = real(i, 8) / real(j, 8)
      b(i,j) = merge(1d0, 0d0, i == j)
    end do
  end do
  c = matmul(a, b)
  print '(a,f12.6,1x,es14.6)', 'product ', sum(c - a), sum(c)
  print '(a,i0)', 'above one ', count(c > 1d0)
  corner = [point(0d0, 0d0), point(3d0, 0d0), point(0d0, 4d0)]
  print '(a,f8.3)', 'area ', abs((corner(2)%x - corner(1)%x) * (corner(3)%y - corner(1)%y)) / 2
  print '(a,i0)', 'fibonacci ', fibonacci(20)

  open(newunit=unit, file='/tmp/features_f90.txt', status='replace', action='readwrite')
  do i = 1, 1000
    write(unit, '(a,i6)') 'line', i
  end do
  rewind(unit)
  lines = 0
  do
    read(unit, '(a4,i6)', iostat=ios) line, value
    if (ios /= 0) exit
    lines = lines + 1
  end do
  print '(a,i0,1x,i0)', 'lines ', lines, value
  close(unit, status='delete')
  inquire(file='/tmp/features_f90.txt', exist=there)
  print '(a,l1)', 'left ', there

  open(newunit=unit, file='/tmp/features_f90.bin', status='replace', form='unformatted', access='direct', recl=8*n)
  do j = 1, n
    write(unit, rec=j) a(:,j)
  end do
  read(unit, rec=17) b(:,1)
  print '(a,f10.6)', 'record ', b(34,1)
  close(unit, status='delete')

  word = repeat('ab', 5) // trim('  end  ')
  print '(a,a,1x,i0)', 'text ', word, index(word, 'end')
  call system_clock(count1, rate)
  call system_clock(count2)
  print '(a,l1)', 'clock ', count2 >= count1 .and. rate > 0
  print '(a,f20.15)', 'pi ', 4 * atan(1d0)
  line = '  12  34.5'
  read(line, *) i, a(1,1)
  print '(a,i0,f6.2)', 'read ', i, a(1,1)
  deallocate(a, b, c)
contains
  recursive integer function fibonacci(k) result(answer)
    integer, intent(in) :: k
    if (k < 2) then
      answer = k
    else
      answer = fibonacci(k - 1) + fibonacci(k - 2)
    end if
  end function
end program
